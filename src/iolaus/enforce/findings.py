"""From what ``detect`` wrote, and the log it read, to the accounts that a policy is to judge."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from iolaus.campaign import Campaign, read_detection
from iolaus.enforce.judge import Subject
from iolaus.enforce.policy import Standing, Standings
from iolaus.errors import InputError
from iolaus.ingest import Rejects, read_accounts, read_exchanges

__all__ = ["Findings", "Traffic", "read_findings"]

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one account sent, as far as the log shows: all exchanges, and those attributed to a campaign.

    Attributes:
        exchanges: all.
        attributed: ids of the attributed ones, sorted.
        after: how many of them came after the evidence that an appeal set aside.
    """

    exchanges: int
    attributed: tuple[str, ...]
    after: int


@dataclass(frozen=True, slots=True)
class Findings:
    """The accounts of all campaigns, and the campaigns' evidence as the audit log keeps it.

    Attributes:
        subjects: one an account, in the campaigns' order.
        cases: by digest, what is known of each campaign: verdict, q-value, evidence.
        accounts: how many accounts the log has.
        until: time of the newest exchange looked at, seconds since 1970 UTC.
    """

    subjects: tuple[Subject, ...]
    cases: dict[str, dict[str, Any]]
    accounts: int
    until: int


def read_findings(
    folder: Path,
    *,
    log: str | None = None,
    accounts: str | None = None,
    standings: Standings | None = None,
    lifted_until: Mapping[str, int] | None = None,
) -> Findings:
    """Read a folder that ``detect`` wrote.

    Args:
        folder: with campaigns.json, and exchanges.parquet where ``log`` is given.
        log: the exchange log, for the share of each account's traffic that is a campaign's. Without it that share is
            not known, and a rule that asks for one fits nobody.
        accounts: the account table, for standing and organisation.
        standings: what makes an account new or trusted.
        lifted_until: for accounts once lifted on appeal, the time until which the evidence was set aside.

    Raises:
        InputError: a file cannot be used.
    """
    detection = read_detection(folder / "campaigns.json")
    until = int(datetime.fromisoformat(detection.until.replace("Z", "+00:00")).timestamp())
    home: dict[str, Campaign] = {}
    for campaign in detection.campaigns:
        for account in campaign.accounts:
            # An account of several campaigns stands with the first, as in accounts.parquet.
            home.setdefault(account, campaign)
    cases = {campaign.campaign_id: _case(campaign, detection.until) for campaign in detection.campaigns}
    traffic = _traffic(folder, log, set(home), lifted_until or {}) if log is not None else None
    known = _standing(accounts, until, standings or Standings(), set(home)) if accounts is not None else {}
    subjects = tuple(
        _subject(account, campaign, _digest(cases[campaign.campaign_id]), traffic, known.get(account), until)
        for account, campaign in home.items()
    )
    return Findings(subjects, {_digest(case): case for case in cases.values()}, detection.accounts, until)


def _subject(
    account: str,
    campaign: Campaign,
    case: str,
    traffic: dict[str, Traffic] | None,
    known: tuple[Standing, str | None] | None,
    until: int,
) -> Subject:
    standing, org = known or ("unknown", None)
    sent = None if traffic is None else traffic.get(account, Traffic(0, (), 0))
    against = [account, *(sent.attributed if sent and sent.attributed else [case])]
    return Subject(
        account_id=account,
        campaign_id=campaign.campaign_id,
        verdict=campaign.verdict,
        q_value=campaign.q_value,
        share=None if sent is None or not sent.exchanges else round(len(sent.attributed) / sent.exchanges, 6),
        attributed=None if sent is None else len(sent.attributed),
        exchanges=None if sent is None else sent.exchanges,
        standing=standing,
        org_id=org,
        evidence=_digest(against),
        case=case,
        exchange_ids=sent.attributed[:_SHOWN] if sent else (),
        seen_until=until,
        attributed_after=None if sent is None else sent.after,
    )


def _case(campaign: Campaign, until: str) -> dict[str, Any]:
    """A campaign's evidence; member accounts are left out, each of them has its own decision."""
    kept = ("campaign_id", "verdict", "q_value", "score", "first_seen", "last_seen", "axes", "evidence")
    document = campaign.to_json()
    return {name: document[name] for name in kept} | {"accounts": len(campaign.accounts), "until": until}


def _digest(document: object) -> str:
    packed = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return sha256(packed).hexdigest()


def _traffic(folder: Path, log: str, members: set[str], lifted_until: Mapping[str, int]) -> dict[str, Traffic]:
    """One pass over the log; only rows of the campaigns' accounts are looked at further."""
    path = folder / "exchanges.parquet"
    try:
        attributed = pq.read_table(path, columns=["exchange_id"])["exchange_id"].combine_chunks()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read: {' '.join(str(error).split())[:200]}") from error
    people = pa.array(sorted(members), pa.string())
    totals: Counter[str] = Counter()
    held: list[pa.Table] = []
    for batch in read_exchanges(log, Rejects(os.devnull)):
        table = pa.Table.from_batches([batch]).select(["account_id", "exchange_id", "timestamp"])
        table = table.filter(pc.is_in(table["account_id"], value_set=people))
        for pair in pc.value_counts(table["account_id"].combine_chunks()).to_pylist():
            totals[pair["values"]] += pair["counts"]
        held.append(table.filter(pc.is_in(table["exchange_id"], value_set=attributed)))
    found: dict[str, list[tuple[str, float]]] = {}
    if held:
        rows = pa.concat_tables(held).sort_by([("account_id", "ascending"), ("exchange_id", "ascending")])
        seconds = pc.divide(rows["timestamp"].cast(pa.int64()), 1_000_000).to_pylist()
        for account, exchange, at in zip(
            rows["account_id"].to_pylist(), rows["exchange_id"].to_pylist(), seconds, strict=True
        ):
            found.setdefault(account, []).append((exchange, at))
    traffic = {}
    for account, total in totals.items():
        mine = found.get(account, [])
        since = lifted_until.get(account)
        after = 0 if since is None else sum(1 for _, at in mine if at > since)
        traffic[account] = Traffic(total, tuple(exchange for exchange, _ in mine), after)
    return traffic


def _standing(
    source: str, until: int, standings: Standings, members: set[str]
) -> dict[str, tuple[Standing, str | None]]:
    table = read_accounts(source, Rejects(os.devnull))
    table = table.filter(pc.is_in(table["account_id"], value_set=pa.array(sorted(members), pa.string())))
    found: dict[str, tuple[Standing, str | None]] = {}
    for row in table.select(["account_id", "created_at", "plan", "org_id"]).to_pylist():
        created = row["created_at"]
        age = None if created is None else until - created.timestamp()
        standing: Standing = "ordinary"
        if row["plan"] in standings.trusted_plans or (age is not None and age >= standings.trusted_after):
            standing = "trusted"
        elif age is None:
            standing = "unknown"
        elif age < standings.new_within:
            standing = "new"
        found[row["account_id"]] = (standing, row["org_id"])
    return found
