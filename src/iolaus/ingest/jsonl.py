"""JSON Lines: block by block through Arrow, and line by line only where Arrow will not have a block."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.json as pj

from iolaus.errors import InputError
from iolaus.ingest.chunk import Chunk, Mark, Reader, split
from iolaus.ingest.lines import learn_types, parse_lines
from iolaus.ingest.source import SourceFile, open_bytes, read_head

__all__ = ["BlockParser", "open_jsonl"]

BOM: Final = b"\xef\xbb\xbf"
HEAD_BYTES: Final = 1 << 20
BLOCK_BYTES: Final = 8 << 20
# A block that Arrow refuses is tried again in pieces of this size, so that one bad line costs little.
PIECE_BYTES: Final = 256 << 10
LONGEST_LINE: Final = 512 << 20


def open_jsonl(file: SourceFile, table: pa.Schema, batch_rows: int, since: Mark | None = None) -> Reader:
    """Open a JSON Lines file.

    Args:
        file: which.
        table: the schema wanted; its names are the keys looked for.
        batch_rows: most rows a chunk.
        since: where reading begins, None for the top; a packed file has no such places.

    Raises:
        InputError: it is one JSON array, not one object a line, or UTF-16.
        pa.ArrowException, OSError: it cannot be unpacked.
    """
    head = read_head(file, HEAD_BYTES).removeprefix(BOM)
    if head.lstrip().startswith(b"["):
        raise InputError(f"{file.path}: the file is a JSON array; one object a line is wanted")
    types = learn_types(head, table)
    required = (field.name for field in table if not field.nullable)
    lacking = frozenset(name for name in required if types.rows and f'"{name}"'.encode() not in head)
    return Reader(types.present, None, lambda: _chunks(file, table, batch_rows, since), lacking)


def _chunks(file: SourceFile, table: pa.Schema, batch_rows: int, since: Mark | None) -> Iterator[Chunk]:
    parser = BlockParser(table)
    number = 1
    if since is not None:
        number, parser.types = since.line, _types_of(since)
    for block, reached in _blocks(file, since):
        last: Chunk | None = None
        for chunk in parser.parse(block, number):
            for part in _cut(chunk, batch_rows):
                if last is not None:
                    yield last
                last = part
        number += block.count(b"\n")
        if last is not None:
            yield last if reached is None else replace(last, mark=_mark(*reached, number, parser.types))


def _mark(position: int, start: int, line: int, types: pa.Schema | None) -> Mark:
    learnt = None if types is None else tuple((field.name, str(field.type)) for field in types)
    return Mark(position, start, line, learnt)


def _types_of(mark: Mark) -> pa.Schema | None:
    if mark.types is None:
        return None
    return pa.schema([pa.field(name, pa.type_for_alias(kind)) for name, kind in mark.types])


def _cut(chunk: Chunk, batch_rows: int) -> Iterator[Chunk]:
    """Chunks of no more rows and bytes than a batch may have; broken rows go with the first."""
    start = 0
    broken = chunk.broken
    for part in split(chunk.batch, batch_rows):
        rows = slice(start, start + part.num_rows)
        unreadable = {name: mask[rows] for name, mask in chunk.unreadable.items()}
        yield Chunk(part, chunk.numbers[rows], unreadable, broken)
        start, broken = rows.stop, ()
    if broken:
        yield Chunk(chunk.batch.slice(0, 0), chunk.numbers[:0], {}, broken)


def _blocks(file: SourceFile, since: Mark | None) -> Iterator[tuple[bytes, tuple[int, int] | None]]:
    """The file in blocks of whole lines, each with how far it has been read and where the next line begins.

    The latter is None after the end's block, which would be another one had the file grown, and in packed files.

    Raises:
        InputError: a line is longer than any sane one.
    """
    with open_bytes(file) as stream:
        held: list[bytes] = []
        position = 0
        if since is not None:
            stream.seek(since.start)
            held, position = [bytes(stream.read(since.position - since.start))], since.position
        while data := bytes(stream.read(BLOCK_BYTES)):
            position, full = position + len(data), len(data) == BLOCK_BYTES and file.compression is None
            if position == len(data):
                data = data.removeprefix(BOM)
            cut = data.rfind(b"\n") + 1
            if cut:
                yield b"".join((*held, data[:cut])), (position, position - len(data) + cut) if full else None
                held = []
            held.append(data[cut:])
            if sum(map(len, held)) > LONGEST_LINE:
                raise InputError(f"{file.path}: a line is longer than {LONGEST_LINE >> 20} MB")
        if rest := b"".join(held):
            yield rest, None


@dataclass(slots=True)
class BlockParser:
    """Parses blocks, and remembers what types the file's values have had so far.

    Attributes:
        table: the schema wanted; its names are the keys looked for.
        types: the types that Arrow is told to expect, None before the first block or where only lines will
            do.
    """

    table: pa.Schema
    types: pa.Schema | None = None

    def parse(self, block: bytes, number: int) -> Iterator[Chunk]:
        """The rows of one block whose first line has this number."""
        batches = self._fast(block)
        if batches is None:
            learnt = learn_types(block, self.table).schema
            if learnt is not None and learnt != self.types:
                self.types = learnt
                batches = self._fast(block)
        if batches is not None:
            yield from _numbered(batches, block, number)
            return
        for piece in _pieces(block):
            part = self._fast(piece) if len(piece) < len(block) else None
            if part is None:
                yield parse_lines(piece, number, self.table)
            else:
                yield from _numbered(part, piece, number)
            number += piece.count(b"\n")

    def _fast(self, block: bytes) -> list[pa.RecordBatch] | None:
        """The block by Arrow; None where it fails, or finds other than one object a line."""
        # Arrow takes a line of null for an object, and reads amiss (26.0.1 crashes) where it is the first.
        if self.types is None or b"\nnull" in block or block.lstrip().startswith(b"null"):
            return None
        try:
            rows = pj.read_json(
                pa.BufferReader(block),
                read_options=pj.ReadOptions(block_size=len(block) + 1),
                parse_options=pj.ParseOptions(explicit_schema=self.types, unexpected_field_behavior="ignore"),
            )
        except pa.ArrowException:
            return None
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if rows.num_rows != lines and rows.num_rows != len(_filled(block)):
            return None
        batches: list[pa.RecordBatch] = rows.to_batches()
        return batches


def _pieces(block: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(block):
        cut = block.find(b"\n", min(start + PIECE_BYTES, len(block)) - 1) + 1 or len(block)
        yield block[start:cut]
        start = cut


def _numbered(batches: list[pa.RecordBatch], block: bytes, number: int) -> Iterator[Chunk]:
    """Chunks with their lines' numbers; blank lines have numbers and no row."""
    rows = sum(batch.num_rows for batch in batches)
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    numbers = number + (np.arange(rows, dtype=np.int64) if rows == lines else _filled(block))
    start = 0
    for batch in batches:
        yield Chunk(batch, numbers[start : start + batch.num_rows])
        start += batch.num_rows


def _filled(block: bytes) -> npt.NDArray[np.int64]:
    """Indices of the lines that are not blank."""
    lines = block.split(b"\n")
    return np.array([index for index, line in enumerate(lines) if line.strip()], dtype=np.int64)
