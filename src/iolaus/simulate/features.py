"""The trivial scalars that the leak gate tries: of each exchange, and of each account."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["Table", "account_features", "exchange_features"]

Floats = NDArray[np.float64]
_DAY: Final = 86_400_000_000
_TEXTS: Final = ("prompt", "response", "system")
_PATTERNS: Final = {
    "digits": r"[0-9]",
    "capitals": r"[A-Z]",
    "marks": r"[?!]",
    "wide": r"[^\x00-\x7f]",
    "lines": r"\n",
    "words": r"\s",
}
_PLAIN: Final = (
    "turn",
    "input_tokens",
    "output_tokens",
    "temperature",
    "max_tokens",
    "choice_count",
    "tool_count",
    "status_code",
)
_SETS: Final = (
    "channel", "request_model", "system", "ip", "country", "user_agent", "ja4", "asn", "status_code",
    "temperature", "max_tokens", "stream", "api_key_id", "prompt", "account_id",
)  # fmt: skip
_ACCOUNT_SETS: Final = (
    "plan",
    "country",
    "referrer",
    "email_domain",
    "signup_ip",
    "payment_fingerprint",
    "org_id",
)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns to try, shape (rows,) each: numbers (NaN for missing), categories as codes, and owners."""

    owner: NDArray[Any]
    numbers: dict[str, Floats]
    categories: dict[str, NDArray[np.int64]]


def exchange_features(exchanges: pa.Table, accounts: pa.Table) -> Table:
    """Every raw column and trivial scalar of each exchange."""
    instant = exchanges["timestamp"].cast(pa.int64()).to_numpy()
    numbers: dict[str, Floats] = {
        "time": instant.astype(np.float64),
        "hour": (instant // 3_600_000_000 % 24).astype(np.float64),
        "weekday": (instant // _DAY % 7).astype(np.float64),
        "second": (instant // 1_000_000 % 60).astype(np.float64),
        "row": np.arange(len(instant), dtype=np.float64),
        "exchange_id": _prefix(exchanges["exchange_id"]),
    }
    for name in _PLAIN:
        numbers[name] = _floats(exchanges[name])
    for name in _TEXTS:
        numbers[f"{name}.length"] = _floats(pc.utf8_length(exchanges[name]))
    for name, pattern in _PATTERNS.items():
        numbers[f"prompt.{name}"] = _floats(pc.count_substring_regex(exchanges["prompt"], pattern))
    for name in (
        "response",
        "system",
        "history_digest",
        "conversation_id",
        "temperature",
        "max_tokens",
        "stream",
        "api_key_id",
    ):
        numbers[f"{name}.missing"] = _floats(pc.cast(pc.is_null(exchanges[name]), pa.int8()))
    categories = {name: _codes(exchanges[name]) for name in _SETS}
    categories |= {"hour": numbers["hour"].astype(np.int64), "weekday": numbers["weekday"].astype(np.int64)}
    categories["conversation_id"] = _codes(exchanges["conversation_id"])
    return Table(exchanges["account_id"].to_numpy(zero_copy_only=False), numbers, categories)


def account_features(exchanges: Table, accounts: pa.Table) -> Table:
    """Every raw column of the account table; means, counts, rate, spans and distinct values."""
    ids = accounts["account_id"].to_numpy(zero_copy_only=False)
    place = {name: i for i, name in enumerate(ids.tolist())}
    index = np.array([place[a] for a in exchanges.owner.tolist()], dtype=np.int64)
    n, count = len(ids), np.bincount(index, minlength=len(ids))
    numbers: dict[str, Floats] = {"count": count.astype(np.float64)}
    for name, values in exchanges.numbers.items():
        known = ~np.isnan(values)
        seen = np.bincount(index[known], minlength=n)
        total = np.bincount(index[known], weights=values[known], minlength=n)
        with np.errstate(invalid="ignore", divide="ignore"):
            numbers[f"mean.{name}"] = np.where(seen > 0, total / seen, np.nan)
    first, last = _extent(index, exchanges.numbers["time"], n)
    numbers |= {"first_seen": first, "last_seen": last, "span": last - first}
    numbers["rate"] = count / np.maximum((last - first) / _DAY, 1.0)
    for name, codes in exchanges.categories.items():
        numbers[f"distinct.{name}"] = _distinct(index, codes, n)
    numbers["distinct.prompt_share"] = numbers["distinct.prompt"] / np.maximum(count, 1)
    numbers["created_at"] = _floats(accounts["created_at"].cast(pa.int64()))
    numbers["age_at_first"] = first - numbers["created_at"]
    for name in ("closed_at", *_ACCOUNT_SETS):
        numbers[f"{name}.missing"] = _floats(pc.cast(pc.is_null(accounts[name]), pa.int8()))
    numbers["row"] = np.arange(n, dtype=np.float64)
    numbers["account_id"] = _prefix(accounts["account_id"])
    categories = {name: _codes(accounts[name]) for name in _ACCOUNT_SETS}
    return Table(ids, numbers, categories)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    encoded = column.combine_chunks().dictionary_encode().indices
    return np.asarray(
        pc.fill_null(pc.cast(pc.add(encoded, 1), pa.int64()), 0).to_numpy(zero_copy_only=False),
        dtype=np.int64,
    )


def _prefix(column: pa.ChunkedArray) -> Floats:
    """An identifier's place in alphabetical order."""
    return np.argsort(np.argsort(column.to_numpy(zero_copy_only=False).astype(str))).astype(np.float64)


def _extent(index: NDArray[np.int64], time: Floats, n: int) -> tuple[Floats, Floats]:
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, index, time)
    np.maximum.at(last, index, time)
    return first, last


def _distinct(index: NDArray[np.int64], codes: NDArray[np.int64], n: int) -> Floats:
    pairs = np.unique(index * (int(codes.max()) + 2) + codes)
    return np.bincount(pairs // (int(codes.max()) + 2), minlength=n).astype(np.float64)
