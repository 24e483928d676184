"""From the state to the rows of a run, with the same rejects and notes as if the log had been read."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pyarrow as pa

from iolaus.detect.kept import Kept, keep
from iolaus.detect.state.manifest import Part
from iolaus.detect.state.segment import read_aside, read_kept
from iolaus.detect.state.update import Shelf, chunks_of
from iolaus.ingest import Rejects
from iolaus.ingest.conform import EXCHANGE_TABLE, conform, horizon
from iolaus.ingest.source import SourceFile

__all__ = ["KeptStream"]


class KeptStream:
    """The usable rows of a log, in its order; iterate it once.

    Args:
        shelf: the state, brought up to the log.
        files: the log.
        rejects: told of the rows that cannot be used.
        until: rows after this are left out, as if they did not exist yet.
        tell: told the stage and the rows loaded so far.

    Attributes:
        read: rows read so far, those set aside included, those after the horizon not.
    """

    def __init__(
        self,
        shelf: Shelf,
        files: list[SourceFile],
        rejects: Rejects,
        until: datetime | None,
        tell: Callable[[str, int], None],
    ) -> None:
        self._shelf, self._files, self._rejects, self._tell = shelf, files, rejects, tell
        self._until: pa.Scalar | None = horizon(until)
        self.read = 0

    def __iter__(self) -> Iterator[Kept]:
        """The rows.

        Raises:
            StateError: a segment is damaged.
            InputError: a part of the log that is read once more cannot be read.
        """
        for file in self._files:
            for part in self._shelf.manifest.files[file.name].parts:
                if self._until is None or part.last is None or part.last <= self._until.value:
                    yield from self._loaded(file, part)
                elif part.first is None or part.first <= self._until.value or part.aside or part.notes:
                    yield from self._read_again(file, part)
                # Else every row of the part is later, and a usable row that is late leaves no trace.

    def _loaded(self, file: SourceFile, part: Part) -> Iterator[Kept]:
        self.read += part.read
        for what, count in part.notes.items():
            self._rejects.note(what, count)
        if part.aside is not None:
            for row, column, reason, exchange_id in read_aside(self._shelf.segments, part.aside):
                self._rejects.add(file.name, row, column, reason, exchange_id)
        yield from read_kept(self._shelf.segments, part.kept)
        self._tell("loading", self.read)

    def _read_again(self, file: SourceFile, part: Part) -> Iterator[Kept]:
        """The horizon cuts the part: what its earlier rows alone would have led to, only reading them can tell."""
        for chunk in chunks_of(file, part.since, part.next):
            batch, read = conform(chunk, EXCHANGE_TABLE, file.name, self._rejects, self._until)
            self.read += read
            if batch.num_rows:
                yield keep(batch)
            self._tell("reading", self.read)
