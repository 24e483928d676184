"""Bringing the state up to the log: what is new is read, what has changed or gone leaves."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from iolaus.detect.kept import keep
from iolaus.detect.state.manifest import Entry, Manifest, Part
from iolaus.detect.state.segment import Heard, Segment, write_aside
from iolaus.detect.state.trust import ends_of, sampled
from iolaus.errors import OutputError
from iolaus.ingest.chunk import Chunk, Mark, Reader
from iolaus.ingest.coerce import coerce
from iolaus.ingest.conform import EXCHANGE_TABLE, conform
from iolaus.ingest.jsonl import BLOCK_BYTES
from iolaus.ingest.opening import FAILURES, open_file, require_columns, unreadable
from iolaus.ingest.source import SourceFile
from iolaus.ingest.stream import BATCH_ROWS
from iolaus.schema import TIMESTAMP

__all__ = ["Shelf", "chunks_of", "update", "writing"]

# A JSON Lines file makes a part for so many bytes, so that neither a kill nor ``until`` costs the whole of it.
_PART_BYTES: Final = 64 << 20
# Work of more than so many seconds is not left uncommitted.
_COMMIT_S: Final = 2.0


@dataclass(slots=True)
class Shelf:
    """Where the state lies.

    Attributes:
        folder: its folder, which a user knows.
        segments: the folder of its segments.
        manifest: what is there.
        commit: writes the manifest.
    """

    folder: Path
    segments: Path
    manifest: Manifest
    commit: Callable[[], None]


def update(shelf: Shelf, files: list[SourceFile], tell: Callable[[str, int], None]) -> None:
    """Read what the state lacks of the files, and forget what they no longer hold.

    Args:
        shelf: the state; its manifest names exactly these files' rows after.
        files: the log.
        tell: told the stage and the rows read so far.

    Raises:
        InputError: a file cannot be read; what was read before it stays in the state.
        OutputError: the state cannot be written.
    """
    known = {file.name: _still(shelf, file) for file in files}
    readers: dict[str, Reader] = {}
    for file in files:
        entry = known[file.name]
        if not entry.whole:
            reader = readers[file.name] = open_file(file, EXCHANGE_TABLE, BATCH_ROWS, entry.next)
            known[file.name] = replace(entry, lacking=tuple(sorted(reader.lacking)))
    require_columns(EXCHANGE_TABLE, ((file, frozenset(known[file.name].lacking)) for file in files))
    shelf.manifest.files = known
    taking = _Taking(shelf, tell)
    for file in files:
        if file.name in readers:
            taking.take(file, readers[file.name])
    shelf.commit()


def chunks_of(
    file: SourceFile, since: Mark | None, until: Mark | None, reader: Reader | None = None
) -> Iterator[Chunk]:
    """A file's chunks between two marks.

    Args:
        file: which.
        since: where to begin, None for the top.
        until: where to end, None for the file's end.
        reader: the file opened at ``since``, where it is already.

    Raises:
        InputError: it cannot be read.
    """
    reader = reader or open_file(file, EXCHANGE_TABLE, BATCH_ROWS, since)
    try:
        for chunk in reader.chunks():
            yield chunk
            if until is not None and chunk.mark == until:
                return
    except FAILURES as error:
        raise unreadable(file, error) from error


def _still(shelf: Shelf, file: SourceFile) -> Entry:
    """What the state may keep of a file: all, the parts before its end where it may have grown, or nothing."""
    try:
        status = file.path.stat()
        fresh = Entry(
            file.format, file.compression, status.st_size, status.st_mtime_ns, ends_of(file.path, status.st_size)
        )
        old = shelf.manifest.files.get(file.name)
        if old is None or (old.format, old.compression) != (file.format, file.compression) or not _there(shelf, old):
            return fresh
        if old.whole and (old.size, old.changed, old.ends) == (fresh.size, fresh.changed, fresh.ends):
            return old
        sealed = tuple(part for part in old.parts if part.next is not None)
        mark = sealed[-1].next if sealed else None
        if mark is None or mark.position > status.st_size or sampled(file.path, mark.position) != old.prefix:
            return fresh
        return replace(fresh, prefix=old.prefix, parts=sealed)
    except OSError as error:
        raise unreadable(file, error) from error


def _there(shelf: Shelf, entry: Entry) -> bool:
    """Whether every file of an entry is where it should be, as long as it should be."""
    stored = (one for part in entry.parts for one in part.stored)
    try:
        return all((shelf.segments / one.name).stat().st_size == one.size for one in stored)
    except OSError:
        return False


@dataclass(slots=True)
class _Taking:
    """Takes files into the state, part by part."""

    shelf: Shelf
    tell: Callable[[str, int], None]
    rows: int = 0
    committed: float = field(default_factory=time.monotonic)

    def take(self, file: SourceFile, reader: Reader) -> None:
        """Read a file from where its entry ends."""
        files = self.shelf.manifest.files
        chunks = chunks_of(file, None, None, reader)
        while part := self._part(file, chunks, files[file.name].next, files[file.name].size):
            entry = files[file.name]
            prefix = entry.prefix if part.next is None else _prefix(file, part.next)
            files[file.name] = replace(entry, prefix=prefix, whole=part.next is None, parts=(*entry.parts, part))
            if time.monotonic() - self.committed > _COMMIT_S:
                self.shelf.commit()
                self.committed = time.monotonic()
        files[file.name] = replace(files[file.name], whole=True)

    def _part(self, file: SourceFile, chunks: Iterator[Chunk], since: Mark | None, size: int) -> Part | None:
        """The next part of a file, None at its end."""
        chunk = next(chunks, None)
        if chunk is None:
            return None
        number, self.shelf.manifest.number = self.shelf.manifest.number, self.shelf.manifest.number + 1
        heard, read, times = Heard(), 0, _Times()
        with writing(self.shelf.folder), Segment(self.shelf.segments / f"{number:08d}.arrow") as segment:
            while chunk is not None:
                try:
                    batch, count = conform(chunk, EXCHANGE_TABLE, file.name, heard, None)
                    times.see(chunk)
                except FAILURES as error:
                    raise unreadable(file, error) from error
                read, self.rows = read + count, self.rows + count
                self.tell("reading", self.rows)
                if batch.num_rows:
                    segment.add(keep(batch))
                if chunk.mark is not None and _ends_part(chunk.mark, since, size):
                    break
                chunk = next(chunks, None)
            mark = None if chunk is None else chunk.mark
            aside = write_aside(self.shelf.segments / f"{number:08d}.aside.arrow", heard)
            return Part(segment.close(), aside, read, times.first, times.last, dict(heard.notes), since, mark)


def _prefix(file: SourceFile, mark: Mark) -> str:
    try:
        return sampled(file.path, mark.position)
    except OSError as error:
        raise unreadable(file, error) from error


def _ends_part(mark: Mark, since: Mark | None, size: int) -> bool:
    """Whether a part should end here: it is long enough, or what follows was no whole block yet."""
    begun = 0 if since is None else since.position
    return mark.position - begun >= _PART_BYTES or mark.position + BLOCK_BYTES > size


@dataclass(slots=True)
class _Times:
    """The earliest and the latest time seen, in microseconds."""

    first: int | None = None
    last: int | None = None

    def see(self, chunk: Chunk) -> None:
        """Look at every row's time, be the row usable or not."""
        if EXCHANGE_TABLE.since not in chunk.batch.schema.names:
            return
        ends = pc.min_max(coerce(chunk.batch[EXCHANGE_TABLE.since], TIMESTAMP).values)
        if ends["min"].is_valid:
            first, last = ends["min"].value, ends["max"].value
            self.first = first if self.first is None else min(self.first, first)
            self.last = last if self.last is None else max(self.last, last)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one sentence that the state cannot be written."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else " ".join(str(error).split())
        raise OutputError(f"{folder}: the state cannot be written: {words}") from error
