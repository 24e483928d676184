"""Policies, accounts and findings that several tests speak of."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.enforce.judge import Subject
from iolaus.enforce.policy import Policy
from iolaus.schema import EXCHANGES_OUT

NOW = 1_790_000_000
KEY = b"k" * 32
RULES = [
    {"name": "block", "action": "block", "when": {"q_value_at_most": 0.0001, "traffic_share_at_least": 0.9}},
    {"name": "verify", "action": "challenge", "url": "https://example.com/v", "when": {"q_value_at_most": 0.001}},
    {"name": "slow", "action": "throttle", "when": {"q_value_at_most": 0.05, "traffic_share_at_least": 0.1}},
]


def policy(**changes):
    return Policy.model_validate({"schema": "iolaus.policy/1", "enforce": True, "rules": RULES} | changes)


def subject(account_id="a", **changes):
    known = {
        "campaign_id": "C001",
        "verdict": "distillation_campaign",
        "q_value": 1e-6,
        "share": 0.95,
        "attributed": 100,
        "exchanges": 105,
        "standing": "new",
        "evidence": f"evidence-{account_id}",
        "case": "case-1",
        "seen_until": NOW - 3600,
    }
    return Subject(account_id=account_id, **known | changes)


def campaign(campaign_id, accounts, **changes):
    known = {
        "campaign_id": campaign_id,
        "verdict": "distillation_campaign",
        "q_value": 1e-6,
        "score": 0.99,
        "accounts": accounts,
        "exchange_count": 100,
        "input_tokens": None,
        "output_tokens": None,
        "first_seen": "2026-09-01T00:00:00Z",
        "last_seen": "2026-09-20T00:00:00Z",
        "axes": {name: {"score": 0.9, "p_value": 1e-6} for name in ("coordination", "concealment", "extraction")},
        "capabilities": {},
        "evidence": [
            {"kind": "queue", "statement": "They take turns.", "p_value": 1e-6, "exchange_ids": [], "account_ids": []}
        ],
    }
    return known | changes


def write_findings(folder, campaigns, exchanges, until=NOW - 3600):
    """A findings folder and its log; ``exchanges`` are (exchange, account, seconds, campaign or None)."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "schema": "iolaus.campaigns/1",
        "until": datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "exchanges": len(exchanges),
        "accounts": len({e[1] for e in exchanges}),
        "signals_missing": [],
        "campaigns": campaigns,
    }
    (folder / "campaigns.json").write_text(json.dumps(document), encoding="utf-8")
    hit = [e for e in exchanges if e[3] is not None]
    columns = [pa.array([e[0] for e in hit], pa.string()), pa.array([e[3] for e in hit], pa.string())]
    pq.write_table(pa.Table.from_arrays(columns, schema=EXCHANGES_OUT), folder / "exchanges.parquet")
    with open(folder / "log.jsonl", "w", encoding="utf-8") as log:
        for exchange, account, at, _ in exchanges:
            row = {"exchange_id": exchange, "timestamp": at, "account_id": account, "prompt": "hello"}
            log.write(json.dumps(row) + "\n")
    return folder / "log.jsonl"
