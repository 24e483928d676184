"""CSV with a header line, through Arrow's streaming reader; every value comes as bytes."""

import codecs
import csv
import io
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from iolaus.errors import InputError
from iolaus.ingest.chunk import Chunk, Reader, split
from iolaus.ingest.coerce import LONE_SURROGATE
from iolaus.ingest.source import HEAD_BYTES, SourceFile, open_bytes, read_head

__all__ = ["open_csv"]

# A row has to fit into a block, quotes and all.
BLOCK_BYTES: Final = 32 << 20
TAIL_BYTES: Final = 64
RAGGED: Final = "the row has more or fewer fields than the header"


def open_csv(file: SourceFile, table: pa.Schema, batch_rows: int) -> Reader:
    """Open a CSV file.

    Raises:
        InputError: it has no header, two of its columns have the same name, or it is UTF-16.
        pa.ArrowException, OSError: it cannot be unpacked.
    """
    head = read_head(file)
    first = _first_records(file, head)
    if not first:
        raise InputError(f"{file.path}: the file is empty; a line with the columns' names is wanted")
    header = first[0]
    wanted = {raw: raw.strip() for raw in header if raw.strip() in table.names}
    for name in set(wanted.values()):
        if sum(raw.strip() == name for raw in header) > 1:
            raise InputError(f"{file.path}: column {name} is there more than once")
    present = frozenset(wanted.values())
    lacking = frozenset(f.name for f in table if not f.nullable and f.name not in present)
    if len(first) == 1 and len(head) < HEAD_BYTES:
        return Reader(present, 0, lambda: iter(()), lacking)
    return Reader(present, None, lambda: _chunks(file, header, wanted, batch_rows), lacking)


def _first_records(file: SourceFile, head: bytes) -> list[list[str]]:
    """The header and one record after it, where there are any."""
    text = io.StringIO(head.decode("utf-8-sig", "replace"), newline="")
    try:
        return list(islice((record for record in csv.reader(text) if record), 2))
    except csv.Error as error:
        raise InputError(f"{file.path}: the line with the columns' names cannot be read: {error}") from error


@dataclass(slots=True)
class _Ragged:
    """Takes what Arrow says of rows with too many or too few fields.

    Attributes:
        rows: their 1-based numbers among the data rows.
        reported: how many of them have been handed on.
        open_quote: number of a row whose quote is never closed, so that it swallowed the lines after it.
    """

    rows: list[int] = field(default_factory=list)
    reported: int = 0
    open_quote: int | None = None

    def __call__(self, row: pacsv.InvalidRow) -> str:
        number = int(row.number) - 1  # Arrow counts the header
        text = row.text
        if text.count('"') % 2 and "\n" in text:
            self.open_quote = self.open_quote or number
        self.rows.append(number)
        return "skip"

    def report(self) -> tuple[tuple[int, str], ...]:
        """Those not handed on yet."""
        new = self.rows[self.reported :]
        self.reported = len(self.rows)
        return tuple((number, RAGGED) for number in new)

    def skip(self, start: int, count: int) -> npt.NDArray[np.int64]:
        """The next `count` row numbers from `start` on that are not ragged."""
        ragged = self.rows[bisect_left(self.rows, start) :]
        numbers = np.arange(start, start + count + len(ragged), dtype=np.int64)
        return numbers[~np.isin(numbers, ragged)][:count]


class _Utf8(io.RawIOBase):
    """A stream with U+FFFD for every byte that is not UTF-8.

    Arrow decodes a ragged row to show it to its handler, and gives the whole file up where that fails.

    Attributes:
        tail: the last bytes read so far.
    """

    def __init__(self, stream: pa.NativeFile) -> None:
        """Begin where the stream is."""
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._ready = b""
        self._mended = 0
        self.tail = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, none only at the end."""
        while not self._ready:
            data = bytes(self._stream.read(size if size > 0 else BLOCK_BYTES))
            self.tail = (self.tail + data[-TAIL_BYTES:])[-TAIL_BYTES:]
            self._ready = self._valid(data)
            if not data:
                break
        if size < 0 or len(self._ready) <= size:
            given, self._ready = self._ready, b""
        else:
            given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def _valid(self, data: bytes) -> bytes:
        text = self._decoder.decode(data, final=not data)
        try:
            return text.encode()
        except UnicodeEncodeError:
            text, mended = LONE_SURROGATE.subn("\ufffd", text)
            self._mended += mended
            return text.encode()

    def take(self) -> int:
        """How many bytes were mended since last asked."""
        mended, self._mended = self._mended, 0
        return mended


def _chunks(file: SourceFile, header: list[str], wanted: dict[str, str], batch_rows: int) -> Iterator[Chunk]:
    ragged = _Ragged()
    number = 1
    # The last field of all tells whether the last row ends or runs into the end of the file.
    final = header[-1] if header.count(header[-1]) == 1 else None
    names = [*wanted, *([final] if final is not None and final not in wanted else [])]
    last = b""
    with open_bytes(file) as stream:
        text = _Utf8(stream)
        for batch in _open(pa.PythonFile(text, mode="r"), names, ragged):
            _check_quotes(file, ragged)
            if final is not None and batch.num_rows:
                last = batch[final][-1].as_py() or b""
            plain = batch.select(list(wanted)).rename_columns(list(wanted.values()))
            for part in split(plain, batch_rows):
                numbers = ragged.skip(number, part.num_rows)
                yield Chunk(part, numbers, {}, ragged.report(), text.take())
                number = int(numbers[-1]) + 1
    if b"\n" in last and not text.tail.rstrip(b"\r\n").endswith(b'"'):
        ragged.open_quote = ragged.open_quote or number - 1
    _check_quotes(file, ragged)
    rest, mended = ragged.report(), text.take()
    if rest or mended:
        yield Chunk(pa.record_batch([], names=[]), np.empty(0, dtype=np.int64), {}, rest, mended)


def _check_quotes(file: SourceFile, ragged: _Ragged) -> None:
    if ragged.open_quote is not None:
        raise InputError(f"{file.path}: row {ragged.open_quote} opens a quote that is never closed")


def _open(stream: pa.NativeFile, names: list[str], ragged: _Ragged) -> pacsv.CSVStreamingReader:
    # One thread: only then does Arrow say the number of a row it could not take.
    return pacsv.open_csv(
        stream,
        read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=ragged),
        convert_options=pacsv.ConvertOptions(
            column_types={name: pa.binary() for name in names},
            include_columns=names,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
            check_utf8=False,
        ),
    )
