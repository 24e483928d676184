"""Times in whatever form a log gives them, to UTC microseconds."""

from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from iolaus.schema import TIMESTAMP

__all__ = ["to_timestamp"]

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
MICROSECONDS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
# An epoch number below 10^11 can only mean seconds, below 10^14 milliseconds, and so on: between 1990 and
# 2100 the units' ranges are a factor of a hundred apart.
EPOCH_LIMITS: Final = ((10**11, "s"), (10**14, "ms"), (10**17, "us"))
NUMBER: Final = r"^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$"


def to_timestamp(raw: pa.Array) -> tuple[pa.Array, int]:
    """Read times.

    Args:
        raw: (rows,) of timestamps of any unit and zone, dates, ISO 8601 text, or epoch numbers, as numbers or
            text, in seconds, milliseconds, microseconds or nanoseconds by their magnitude.

    Returns:
        (rows,) UTC microseconds, null where there is no time between 1990 and 2100 to be read; and how many
        of the values named no zone and were taken as UTC.
    """
    kind = raw.type
    if pa.types.is_timestamp(kind):
        values = _in_range(raw)
        naive = 0 if kind.tz else len(values) - values.null_count
        return values.cast(TIMESTAMP, safe=False), naive
    if pa.types.is_date(kind):
        values = _in_range(raw.cast(pa.timestamp("ms")))
        return values.cast(TIMESTAMP), len(values) - values.null_count
    if pa.types.is_string(kind):
        return _from_text(raw)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _from_epoch(raw), 0
    return pa.nulls(len(raw), TIMESTAMP), 0


def _in_range(times: pa.Array) -> pa.Array:
    """Null what lies outside 1990 to 2100, in the unit as given: a wider one could overflow unseen."""
    unit = times.type.unit
    scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    ticks = times.view(pa.int64())
    low, high = int(EARLIEST.timestamp()) * scale, int(LATEST.timestamp()) * scale
    ends = pc.min_max(ticks)
    if ends["min"].is_valid and low <= ends["min"].as_py() and ends["max"].as_py() < high:
        return times
    inside = pc.and_(pc.greater_equal(ticks, low), pc.less(ticks, high))
    return pc.if_else(inside, times, pa.scalar(None, times.type))


def _from_epoch(raw: pa.Array) -> pa.Array:
    exact = pa.types.is_integer(raw.type)
    numbers = raw if exact else raw.cast(pa.float64(), safe=False)
    if exact:
        if pa.types.is_uint64(raw.type):
            small = pc.less_equal(raw, pa.scalar(2**63 - 1, pa.uint64()))
            numbers = pc.if_else(small, raw, pa.scalar(None, pa.uint64()))
        numbers = numbers.cast(pa.int64())
        micros = pc.divide(numbers, 1000)
    else:
        numbers = pc.if_else(pc.less(pc.abs(numbers), 9e18), numbers, pa.scalar(None, pa.float64()))
        micros = pc.divide(numbers, 1000.0)
    number = int if exact else float
    for limit, unit in reversed(EPOCH_LIMITS):
        fits = pc.and_(pc.less(numbers, number(limit)), pc.greater(numbers, number(-limit)))
        # What does not fit is set to nought first: multiplied, it could overflow.
        scaled = pc.multiply(pc.if_else(fits, numbers, number(0)), number(MICROSECONDS[unit]))
        micros = pc.if_else(fits, scaled, micros)
    if not exact:
        micros = pc.round(micros).cast(pa.int64(), safe=False)
    return _in_range(micros.view(pa.timestamp("us"))).cast(TIMESTAMP)


def _from_text(raw: pa.Array) -> tuple[pa.Array, int]:
    """Text, column by column where it is all of one kind, value by value where it is not."""
    present = len(raw) - raw.null_count
    if not present:
        return pa.nulls(len(raw), TIMESTAMP), 0
    for kind, naive in ((pa.timestamp("ns", "UTC"), 0), (pa.timestamp("ns"), present)):
        try:
            values = _in_range(raw.cast(kind)).cast(TIMESTAMP, safe=False)
        except pa.ArrowInvalid:
            continue
        return values, naive and len(values) - values.null_count
    numeric = pc.match_substring_regex(raw, NUMBER)
    if pc.any(numeric).as_py():
        numbers = pc.if_else(numeric, raw, pa.scalar(None, raw.type))
        epochs = _from_epoch(_numbers(numbers))
        if pc.all(numeric).as_py():
            return epochs, 0
        words, naive = _word_by_word(pc.if_else(numeric, pa.scalar(None, raw.type), raw))
        return pc.coalesce(epochs, words), naive
    return _word_by_word(raw)


def _numbers(text: pa.Array) -> pa.Array:
    try:
        return text.cast(pa.int64())
    except pa.ArrowInvalid:
        return text.cast(pa.float64())


def _word_by_word(raw: pa.Array) -> tuple[pa.Array, int]:
    read = [_parse(word) for word in raw.to_pylist()]
    naive = sum(1 for time in read if time is not None and time.tzinfo is None)
    zoned = [time.replace(tzinfo=UTC) if time and time.tzinfo is None else time for time in read]
    inside = [time if time and EARLIEST <= time < LATEST else None for time in zoned]
    return pa.array(inside, TIMESTAMP), naive


def _parse(word: str | None) -> datetime | None:
    if word is None:
        return None
    try:
        return datetime.fromisoformat(word.removesuffix(" UTC") + ("+00:00" if word.endswith(" UTC") else ""))
    except ValueError:
        return None
