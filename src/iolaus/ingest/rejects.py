"""The rows set aside: counted by reason, listed in a file, and never too many without a word."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from iolaus.errors import OutputError, TooManyRejects

__all__ = ["Listener", "Reject", "Rejects"]

LISTED: Final = 100_000
ID_CHARACTERS: Final = 200


class Reject(NamedTuple):
    """One row set aside; says where and why, and holds nothing of what the row said.

    Attributes:
        file: name of its file below the source, None where that is not known any more.
        row: its 1-based number there, None likewise.
        column: the column at fault, None where it is the row as a whole.
        reason: a few words.
        exchange_id: the row's id where it could be read.
    """

    file: str | None
    row: int | None
    column: str | None
    reason: str
    exchange_id: str | None = None

    @property
    def cause(self) -> str:
        """Column and reason in one, as the counts are kept."""
        return f"{self.column}: {self.reason}" if self.column else self.reason

    @property
    def order(self) -> tuple[str, int, str, str, str]:
        """What the file is sorted by, so that it does not depend on the order of arrival."""
        return (self.file or "", self.row or 0, self.column or "", self.reason, self.exchange_id or "")


class Listener(Protocol):
    """Whoever is told what becomes of rows: `Rejects`, or what keeps it for a later run or sends it elsewhere."""

    def note(self, what: str, count: int) -> None:
        """Count values that something was done to; `what` names their column and what it was."""
        ...

    def add(
        self, file: str | None, row: int | None, column: str | None, reason: str, exchange_id: str | None = None
    ) -> None:
        """Set one row aside."""
        ...

    def add_many(
        self,
        file: str | None,
        rows: Iterable[int | None],
        column: str | None,
        reason: str,
        exchange_ids: Iterable[str | None] | None = None,
    ) -> None:
        """Set many rows of a file aside for one reason; `exchange_ids`, where given, goes with `rows`."""
        if exchange_ids is None:
            for row in rows:
                self.add(file, row, column, reason)
        else:
            for row, exchange_id in zip(rows, exchange_ids, strict=True):
                self.add(file, row, column, reason, exchange_id)


class Rejects(Listener):
    """Collects rows set aside, and notes about values that were mended or dropped.

    Use it as a context: at its end the rows are written to `path`, whole or not at all. Where there are none,
    no file is left. An exception on its way through leaves what was there before, but for TooManyRejects,
    whose reader wants to see the rows.
    """

    def __init__(self, path: str | Path, *, listed: int = LISTED) -> None:
        """Begin with none.

        Args:
            path: the file to write, one JSON object a line.
            listed: how many rows are kept in detail; the rest are counted only, in one last line.
        """
        self.path = Path(path)
        self.listed = listed
        self.count = 0
        self._kept: list[Reject] = []
        self._counts: Counter[str] = Counter()
        self._unchecked: Counter[str] = Counter()
        self._first: dict[str, Reject] = {}
        self._notes: Counter[str] = Counter()

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows set aside by cause ("prompt: missing"), most frequent first, ties by name."""
        return _ranked(self._counts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was mended or left out without rejecting a row, one sentence each, sorted."""
        return tuple(f"{what}: {count:,}" for what, count in sorted(self._notes.items()))

    def note(self, what: str, count: int) -> None:
        """Count values that something was done to; `what` names their column and what it was."""
        if count:
            self._notes[what] += count

    def add(
        self,
        file: str | None,
        row: int | None,
        column: str | None,
        reason: str,
        exchange_id: str | None = None,
    ) -> None:
        """Set one row aside."""
        short = exchange_id[:ID_CHARACTERS] if exchange_id else None
        reject = Reject(file, row, column, reason, short)
        self.count += 1
        self._counts[reject.cause] += 1
        self._unchecked[reject.cause] += 1
        first = self._first.get(reject.cause)
        if first is None or reject.order < first.order:
            self._first[reject.cause] = reject
        self._kept.append(reject)
        if len(self._kept) > 2 * self.listed:
            self._trim()

    def check(self, read: int, share: float = 0.05) -> None:
        """Complain where too much was set aside since the last check: each table answers for its own rows.

        Args:
            read: rows read since then, those set aside included.
            share: the largest share of them that may be set aside, 0 to 1.

        Raises:
            TooManyRejects: it was more.
        """
        found, self._unchecked = self._unchecked, Counter()
        count = found.total()
        if count <= share * read:
            return
        cause, times = next(iter(_ranked(found).items()))
        first = self._first[cause]
        where = f", first in {first.file}" if first.file else ""
        where += f" row {first.row}" if first.file and first.row else ""
        raise TooManyRejects(
            f"{count:,} of {read:,} rows cannot be used, more than the {share:.4g} share allowed; "
            f"most often {cause} ({times:,} rows{where})"
        )

    def close(self) -> None:
        """Write the file, or remove an older one where nothing was set aside.

        Raises:
            OutputError: it cannot be written.
        """
        self._trim()
        try:
            if not self.count:
                self.path.unlink(missing_ok=True)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write()
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror or error}") from error

    def _write(self) -> None:
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        try:
            with partial.open("w", encoding="utf-8", newline="\n") as out:
                out.writelines(json.dumps(reject._asdict()) + "\n" for reject in self._kept)
                if self.count > len(self._kept):
                    out.write(json.dumps({"unlisted": self.count - len(self._kept)}) + "\n")
            partial.replace(self.path)
        finally:
            partial.unlink(missing_ok=True)

    def _trim(self) -> None:
        """Keep the first rows by name and number: which ones they are does not depend on who came first."""
        self._kept.sort(key=lambda reject: reject.order)
        del self._kept[self.listed :]

    def __enter__(self) -> Self:
        """Begin collecting."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the file if all went well or too much was set aside."""
        if kind is None or issubclass(kind, TooManyRejects):
            self.close()


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
