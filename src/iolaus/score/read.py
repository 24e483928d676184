"""Reading what a detector found and what was true, with one clear sentence where that fails."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.errors import InputError
from iolaus.schema import ACCOUNTS_OUT, EXCHANGES_OUT, TRUTH_ACCOUNTS, TRUTH_EXCHANGES

__all__ = ["CONVICTED", "Found", "Truth", "instants_of", "read_found", "read_truth"]

ONE_LEVEL: Final = "all"
CONVICTED: Final = "distillation_campaign"


@dataclass(frozen=True, slots=True)
class Found:
    """A detector's folder.

    Attributes:
        campaigns: campaigns.json's campaigns.
        until: last instant of its input, µs since 1970; None where it is not given.
        campaign_of, verdict_of, score_of: by account; the first two hold flagged accounts only.
        attributed: campaign of each attributed exchange.
    """

    campaigns: list[dict[str, Any]]
    until: int | None
    campaign_of: dict[str, str]
    verdict_of: dict[str, str]
    score_of: dict[str, float]
    attributed: dict[str, str]


@dataclass(frozen=True, slots=True)
class Truth:
    """A range's labels.

    Attributes:
        operator_of: by account; None for independent ones.
        kind_of: by account.
        level_of: by operator; ``all`` for each where the range names no levels.
        harvested: operator of each harvested exchange (a label of its own where the operator is not named).
        exchanges: ids of all labelled exchanges.
        instants: µs since 1970 by exchange; None where the range has no exchange log beside its truth.
    """

    operator_of: dict[str, str | None]
    kind_of: dict[str, str]
    level_of: dict[str, str]
    harvested: dict[str, str]
    exchanges: list[str]
    instants: dict[str, int] | None


def read_found(folder: Path) -> Found:
    """Read a detector's output folder.

    Raises:
        InputError: where a file is missing, cannot be read, or lacks a column.
    """
    document = _document(folder / "campaigns.json")
    campaigns = document.get("campaigns")
    if not isinstance(campaigns, list) or not all(isinstance(c, dict) and "campaign_id" in c for c in campaigns):
        raise InputError(f"{folder / 'campaigns.json'} holds no list of campaigns")
    accounts = _columns(folder / "accounts.parquet", ACCOUNTS_OUT.names)
    exchanges = _columns(folder / "exchanges.parquet", EXCHANGES_OUT.names)
    verdicts = {str(c["campaign_id"]): str(c.get("verdict")) for c in campaigns}
    flagged = [
        (a, c, v or verdicts.get(c, "inconclusive"))
        for a, c, v in zip(accounts["account_id"], accounts["campaign_id"], accounts["verdict"], strict=True)
        if c is not None
    ]
    return Found(
        campaigns=campaigns,
        until=_instant(document.get("until"), folder),
        campaign_of={a: c for a, c, _ in flagged},
        verdict_of={a: v for a, _, v in flagged},
        score_of=dict(zip(accounts["account_id"], (s or 0.0 for s in accounts["score"]), strict=True)),
        attributed=dict(zip(exchanges["exchange_id"], exchanges["campaign_id"], strict=True)),
    )


def read_truth(folder: Path) -> Truth:
    """Read a range's labels; scenario.json and exchanges.parquet are used where they are.

    Raises:
        InputError: where a truth table is missing, cannot be read, or lacks a column.
    """
    accounts = _columns(folder / "truth_accounts.parquet", TRUTH_ACCOUNTS.names)
    exchanges = _columns(folder / "truth_exchanges.parquet", TRUTH_EXCHANGES.names)
    levels: dict[str, Any] = {}
    if (folder / "scenario.json").exists():
        levels = _document(folder / "scenario.json").get("levels") or {}
        if not isinstance(levels, dict):
            raise InputError(f"{folder / 'scenario.json'} has levels that are no map from operator to level")
    operators = {o for o in accounts["operator_id"] if o is not None}
    return Truth(
        operator_of=dict(zip(accounts["account_id"], accounts["operator_id"], strict=True)),
        kind_of=dict(zip(accounts["account_id"], accounts["kind"], strict=True)),
        level_of={o: str(levels.get(o, ONE_LEVEL)) for o in sorted(operators)},
        harvested={
            e: o or ONE_LEVEL
            for e, o, h in zip(exchanges["exchange_id"], exchanges["operator_id"], exchanges["harvested"], strict=True)
            if h
        },
        exchanges=exchanges["exchange_id"],
        instants=instants_of(folder),
    )


def instants_of(folder: Path) -> dict[str, int] | None:
    """When each exchange of a range arrived, µs since 1970; None where its log is not there.

    Raises:
        InputError: where the log is there but cannot be read.
    """
    path = folder / "exchanges.parquet"
    if not path.exists():
        return None
    try:
        table = pq.read_table(path, columns=["exchange_id", "timestamp"])
        instants = table["timestamp"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return dict(zip(table["exchange_id"].to_pylist(), instants.to_pylist(), strict=True))


def _columns(path: Path, names: list[str]) -> dict[str, list[Any]]:
    if not path.exists():
        raise InputError(f"{path} is missing")
    try:
        known = pq.read_schema(path).names
        missing = [n for n in names if n not in known]
        if missing:
            raise InputError(f"{path} lacks the column {missing[0]!r}")
        table = pq.read_table(path, columns=names)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return {n: table[n].to_pylist() for n in names}


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{path} is not a JSON object")
    return document


def _instant(until: Any, folder: Path) -> int | None:  # noqa: ANN401 (whatever the JSON held)
    if until is None:
        return None
    try:
        moment = datetime.fromisoformat(str(until).replace("Z", "+00:00"))
    except ValueError as error:
        raise InputError(f"{folder / 'campaigns.json'} has an until that is no instant: {until!r}") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
