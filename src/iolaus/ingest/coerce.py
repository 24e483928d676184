"""Bringing one column of whatever type to the type the contract gives it.

Every function takes (rows,) values and returns (rows,) values of the wanted type with null where a value
cannot be read. Whole columns go through Arrow; a value is looked at on its own only where its column as a
whole will not go.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iolaus.ingest.timestamps import to_timestamp

__all__ = ["Coerced", "coerce", "join_parts"]

LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
TRUE: Final = ("true", "1", "1.0", "t", "yes")
FALSE: Final = ("false", "0", "0.0", "f", "no")
# Below this every whole float64 is exact.
EXACT: Final = 2.0**53


@dataclass(frozen=True, slots=True)
class Coerced:
    """One column in the contract's type.

    Attributes:
        values: (rows,).
        unreadable: bool (rows,), true where something was there that could not be read; None where all could.
        naive: how many times named no zone.
        mended: how many texts were not valid Unicode and now hold U+FFFD in its place.
    """

    values: pa.Array
    unreadable: np.ndarray[Any, np.dtype[np.bool_]] | None = None
    naive: int = 0
    mended: int = 0


def coerce(raw: pa.Array, kind: pa.DataType) -> Coerced:
    """Bring a column to the wanted type; see the module's words for what becomes of what cannot be read."""
    raw, mended = _plain(raw)
    if pa.types.is_string(kind):
        values, more = _to_text(raw)
        mended += more
    else:
        raw = _without_blanks(raw)
    naive = 0
    if pa.types.is_timestamp(kind):
        values, naive = to_timestamp(raw)
    elif pa.types.is_integer(kind):
        values = _to_integer(raw, kind)
    elif pa.types.is_floating(kind):
        values = _to_real(raw)
    elif pa.types.is_boolean(kind):
        values = _to_bool(raw)
    lost = values.null_count > raw.null_count
    unreadable = np.asarray(pc.and_(raw.is_valid(), values.is_null())) if lost else None
    return Coerced(values, unreadable, naive, mended)


def join_parts(value: object) -> str | None:
    """The text of a message given as a list of content parts, None where it is anything else.

    A part is an object such as `{"type": "text", "text": "..."}`; parts of other types (images, files) are
    passed over, and the texts joined by newlines.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return None
    if not all(isinstance(part, Mapping) for part in value):
        return None
    texts = [part["text"] for part in value if isinstance(part.get("text"), str)]
    return "\n".join(texts) if texts else None


def _plain(raw: pa.Array) -> tuple[pa.Array, int]:
    """Write dictionaries out, make every sort of text valid plain text, and NaN null."""
    if isinstance(raw, pa.ExtensionArray):
        raw = raw.storage
    if pa.types.is_dictionary(raw.type):
        raw = raw.dictionary_decode()
    if _is_bytes(raw.type):
        return _valid_text(raw)
    if pa.types.is_floating(raw.type):
        nan = pc.is_nan(raw)
        if pc.any(nan).as_py():
            raw = pc.if_else(nan, pa.scalar(None, raw.type), raw)
    return raw, 0


def _is_bytes(kind: pa.DataType) -> bool:
    tests: tuple[Callable[[pa.DataType], bool], ...] = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
        pa.types.is_fixed_size_binary,
    )
    return any(test(kind) for test in tests)


def _valid_text(raw: pa.Array) -> tuple[pa.Array, int]:
    try:
        text = raw.cast(pa.string())
        text.validate(full=True)
        return text, 0
    except pa.ArrowInvalid:
        return _mend(raw)


def _mend(raw: pa.Array) -> tuple[pa.Array, int]:
    mended = 0
    texts: list[str | None] = []
    for value in raw.cast(pa.large_binary()).to_pylist():
        text, whole = (None, True) if value is None else _decode(value)
        mended += not whole
        texts.append(text)
    return pa.array(texts, pa.string()), mended


def _decode(value: bytes) -> tuple[str, bool]:
    """Bytes as text, with U+FFFD for what is not text, and whether all of it was."""
    for errors in ("strict", "surrogatepass"):
        try:
            text = value.decode("utf-8", errors)
        except UnicodeDecodeError:
            continue
        return LONE_SURROGATE.sub("\ufffd", text), errors == "strict"
    return LONE_SURROGATE.sub("\ufffd", value.decode("utf-8", "surrogateescape")), False


def _without_blanks(raw: pa.Array) -> pa.Array:
    """Outside text an empty field says nothing."""
    if not pa.types.is_string(raw.type):
        return raw
    raw = pc.utf8_trim_whitespace(raw)
    blank = pc.equal(pc.binary_length(raw), 0)
    return pc.if_else(blank, pa.scalar(None, raw.type), raw) if pc.any(blank).as_py() else raw


def _to_text(raw: pa.Array) -> tuple[pa.Array, int]:
    kind = raw.type
    if pa.types.is_string(kind):
        return raw, 0
    if pa.types.is_floating(kind):
        return _real_to_text(raw), 0
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
        return raw.cast(pa.string()), 0
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.array([join_parts(value) for value in raw.to_pylist()], pa.string()), 0
    return pa.nulls(len(raw), pa.string()), 0


def _real_to_text(raw: pa.Array) -> pa.Array:
    """Whole numbers lose their point: an id that passed through a float column is the id without it."""
    raw = raw.cast(pa.float64())
    whole = pc.and_(pc.equal(raw, pc.trunc(raw)), pc.less(pc.abs(raw), EXACT))
    integers = pc.if_else(whole, raw, pa.scalar(None, pa.float64())).cast(pa.int64())
    return pc.if_else(whole, integers.cast(pa.string()), raw.cast(pa.string()))


def _to_integer(raw: pa.Array, kind: pa.DataType) -> pa.Array:
    """Counts and codes: none is negative, so what is negative is unreadable too."""
    if pa.types.is_string(raw.type):
        raw = _cast_or_parse(raw, pa.int64(), _parse_integer)
    if pa.types.is_decimal(raw.type):
        raw = raw.cast(pa.float64(), safe=False)
    if pa.types.is_floating(raw.type):
        raw = raw.cast(pa.float64())
        whole = pc.and_(pc.equal(raw, pc.trunc(raw)), pc.less(pc.abs(raw), 2.0**63))
        raw = pc.if_else(whole, raw, pa.scalar(None, pa.float64())).cast(pa.int64(), safe=False)
    if not pa.types.is_integer(raw.type):
        return pa.nulls(len(raw), kind)
    most = 2 ** (kind.bit_width - 1) - 1
    ends = pc.min_max(raw)
    if ends["min"].is_valid and (ends["min"].as_py() < 0 or ends["max"].as_py() > most):
        low = pc.greater_equal(raw, pa.scalar(0, raw.type))
        high = pc.less_equal(raw.cast(pa.uint64(), safe=False), pa.scalar(most, pa.uint64()))
        raw = pc.if_else(pc.and_(low, high), raw, pa.scalar(None, raw.type))
    return raw.cast(kind)


def _to_real(raw: pa.Array) -> pa.Array:
    """Settings such as the temperature: finite, and not negative."""
    if pa.types.is_string(raw.type):
        raw = _cast_or_parse(raw, pa.float64(), _parse_real)
    number = pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type) or pa.types.is_decimal(raw.type)
    if not number:
        return pa.nulls(len(raw), pa.float64())
    raw = raw.cast(pa.float64(), safe=False)
    good = pc.and_(pc.is_finite(raw), pc.greater_equal(raw, 0.0))
    return raw if pc.all(good).as_py() is not False else pc.if_else(good, raw, pa.scalar(None, pa.float64()))


def _to_bool(raw: pa.Array) -> pa.Array:
    if pa.types.is_boolean(raw.type):
        return raw
    if pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type) or pa.types.is_decimal(raw.type):
        raw = _real_to_text(raw.cast(pa.float64(), safe=False))
    if not pa.types.is_string(raw.type):
        return pa.nulls(len(raw), pa.bool_())
    words = pc.utf8_lower(raw)
    true = pc.is_in(words, value_set=pa.array(TRUE))
    known = pc.or_(true, pc.is_in(words, value_set=pa.array(FALSE)))
    return pc.if_else(known, true, pa.scalar(None, pa.bool_()))


def _cast_or_parse(raw: pa.Array, kind: pa.DataType, parse: Callable[[str], object]) -> pa.Array:
    try:
        return raw.cast(kind)
    except pa.ArrowInvalid:
        return pa.array([None if word is None else parse(word) for word in raw.to_pylist()], kind)


def _parse_integer(word: str) -> int | None:
    number = _parse_real(word)
    if number is None or not number.is_integer() or abs(number) >= 2.0**63:
        return None
    return int(word) if abs(number) >= EXACT and word.isdecimal() else int(number)


def _parse_real(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
