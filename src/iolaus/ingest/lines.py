"""JSON Lines the patient way, one line at a time: for lines Arrow refuses and to learn the types."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa

from iolaus.ingest.chunk import Chunk
from iolaus.ingest.coerce import join_parts

__all__ = ["Types", "learn_types", "parse_lines"]

SAMPLE_LINES: Final = 200
SAMPLE_BYTES: Final = 4 << 20
_FAILED: Final = object()
NOT_JSON: Final = "the line is not JSON"
NOT_OBJECT: Final = "the line is not a JSON object"


@dataclass(frozen=True, slots=True)
class Types:
    """What the first lines of a block show.

    Attributes:
        schema: the type of each wanted key as the values have it, None where Arrow has no one type for a
            key's values (lists of content parts; sometimes text and sometimes numbers).
        present: wanted keys that have a value.
        rows: how many objects were seen.
    """

    schema: pa.Schema | None
    present: frozenset[str]
    rows: int


def learn_types(block: bytes, table: pa.Schema) -> Types:
    """Look at a block's first lines; a line that does not parse is passed over."""
    seen: dict[str, set[type]] = {name: set() for name in table.names}
    rows = 0
    for _, line in islice(_split(block[:SAMPLE_BYTES]), SAMPLE_LINES):
        value = _load(line)
        if not isinstance(value, dict):
            continue
        rows += 1
        for name in seen.keys() & value.keys():
            if value[name] is not None:
                seen[name].add(type(value[name]))
    present = frozenset(name for name, types in seen.items() if types)
    fields = [pa.field(field.name, _arrow_type(seen[field.name], field.type)) for field in table]
    return Types(pa.schema(fields) if _all_known(seen) else None, present, rows)


def parse_lines(block: bytes, number: int, table: pa.Schema) -> Chunk:
    """Parse a block line by line.

    Args:
        block: whole lines.
        number: the first one's number.
        table: the schema whose names are the keys looked for.

    Returns:
        The lines that are objects; every column is text, as bytes that may hold a lone surrogate. Those that
        are not are among `broken`; values that are nested and no list of content parts are marked unreadable.
    """
    names = table.names
    columns: dict[str, list[bytes | None]] = {name: [] for name in names}
    unreadable: dict[str, list[int]] = {}
    numbers: list[int] = []
    broken: list[tuple[int, str]] = []
    for index, line in _split(block):
        row = _load(line)
        if not isinstance(row, dict):
            broken.append((number + index, NOT_JSON if row is _FAILED else NOT_OBJECT))
            continue
        for name in names:
            value = row.get(name)
            text = _to_bytes(value)
            if text is None and value is not None and value == value:
                unreadable.setdefault(name, []).append(len(numbers))
            columns[name].append(text)
        numbers.append(number + index)
    batch = pa.RecordBatch.from_arrays([pa.array(columns[name], pa.large_binary()) for name in names], names)
    masks = {name: np.isin(np.arange(len(numbers)), rows) for name, rows in unreadable.items()}
    return Chunk(batch, np.array(numbers, dtype=np.int64), masks, tuple(broken))


def _split(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their indices."""
    for index, line in enumerate(block.split(b"\n")):
        if line.strip():
            yield index, line


def _load(line: bytes) -> object:
    """A line's value, with a lone surrogate for a byte that is not UTF-8; control characters may be raw."""
    try:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = line.decode("utf-8", "surrogateescape")
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return _FAILED


def _to_bytes(value: object) -> bytes | None:
    """One value as text; None for null, NaN and what cannot be text."""
    match value:
        case str():
            text = value
        case bool():
            text = "true" if value else "false"
        case int():
            text = _digits(value)
        case float():
            if value != value:
                return None
            text = str(int(value)) if value.is_integer() and abs(value) < 2.0**53 else repr(value)
        case list():
            parts = join_parts(value)
            if parts is None:
                return None
            text = parts
        case _:
            return None
    return text.encode("utf-8", "surrogatepass")


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python will not write out thousands of digits
        return "inf"


def _arrow_type(seen: set[type], wanted: pa.DataType) -> pa.DataType:
    if seen <= {int} and seen:
        return pa.int64()
    if seen <= {int, float} and seen:
        return pa.float64()
    if seen == {bool}:
        return pa.bool_()
    if seen == {str} or pa.types.is_timestamp(wanted):
        return pa.string()
    return pa.int64() if pa.types.is_integer(wanted) else wanted


def _all_known(seen: dict[str, set[type]]) -> bool:
    """Whether every key's values have one Arrow type."""
    kinds: tuple[set[type], ...] = ({int, float}, {bool}, {str})
    return all(any(types <= kind for kind in kinds) for types in seen.values())
