"""Making a range over real text where it is there, and keeping of its truth what the measures need."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from benchmarks.detection.scenarios import scenarios
from iolaus.simulate import simulate

__all__ = ["REAL_TEXT", "make_range", "truth_of"]

_DATA: Final = Path(__file__).parents[3] / "shared" / "data"
REAL_TEXT: Final = _DATA.is_dir()
# What campaigns harvest, what ordinary callers ask, and real clients' rates.
_FILES: Final = (
    _DATA / "campaign_text.parquet",
    _DATA / "organic_text.parquet",
    _DATA / "traffic_clients" / "servegen_windows.parquet",
)


def make_range(scenario: str, seed: int, exchanges: int, folder: Path) -> None:
    """Write one range; from the project's own grammars where the real texts are not beside the checkout."""
    text, organic, arrivals = _FILES if REAL_TEXT else (None, None, None)
    simulate(
        scenarios()[scenario], folder, seed=seed, exchanges=exchanges, text=text, organic=organic, arrivals=arrivals
    )


def truth_of(folder: Path) -> dict[str, Any]:
    """The labels of a range by account number (the order of the ids), without any text.

    Returns:
        ``ids``, and lists beside them: ``operator`` (its number, -1 for none), ``kind``, ``org`` (the openly declared
        organisation's number, -1 for none), ``sent`` and ``harvested`` (exchanges); and ``operators``, their designs.
    """
    document = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
    designs = list(document["operators"])
    labels = {r["account_id"]: r for r in pq.read_table(folder / "truth_accounts.parquet").to_pylist()}
    log = pq.read_table(folder / "exchanges.parquet", columns=["exchange_id", "account_id"])
    account_of = dict(zip(*(log.column(c).to_pylist() for c in ("exchange_id", "account_id")), strict=True))
    truth = pq.read_table(folder / "truth_exchanges.parquet")
    taken = zip(truth.column("exchange_id").to_pylist(), truth.column("harvested").to_pylist(), strict=True)
    harvested = Counter(account_of[e] for e, yes in taken if yes)
    sent = Counter(account_of.values())
    ids = sorted(sent)
    table = pq.read_table(folder / "accounts.parquet", columns=["account_id", "org_id"])
    org_of = dict(zip(*(table.column(c).to_pylist() for c in ("account_id", "org_id")), strict=True))
    orgs = {org: i for i, org in enumerate(sorted({o for o in org_of.values() if o}))}
    return {
        "ids": ids,
        "operator": [designs.index(o) if (o := labels[a]["operator_id"]) else -1 for a in ids],
        "kind": [labels[a]["kind"] for a in ids],
        "org": [orgs.get(org_of.get(a) or "", -1) for a in ids],
        "sent": [sent[a] for a in ids],
        "harvested": [harvested[a] for a in ids],
        "operators": list(document["operators"].values()),
    }
