"""The folder of the state: one run at a time, one manifest that names what counts, nothing else left lying."""

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from iolaus.detect.state.load import KeptStream
from iolaus.detect.state.manifest import Manifest, from_document, to_document
from iolaus.detect.state.schema import SCHEMA, migrated
from iolaus.detect.state.update import Shelf, update, writing
from iolaus.detect.state.version import reading_version
from iolaus.errors import StateError
from iolaus.ingest import Rejects
from iolaus.ingest.source import find_files

__all__ = ["State", "opened_state"]

# Names with a dot or an underscore before them are never read as a log's, should the state lie within it.
_MANIFEST: Final = "_manifest.json"
_PARTIAL: Final = "_manifest.json.partial"
_LOCK: Final = ".lock"
_SEGMENTS: Final = "_segments"
_OURS: Final = {_MANIFEST, _PARTIAL, _LOCK, _SEGMENTS}
_SEGMENT: Final = re.compile(r"\d{8,}(\.aside)?\.arrow(\.partial)?")


@contextmanager
def opened_state(folder: Path | None, say: Callable[[str], None]) -> Iterator["State | None"]:
    """The state in a folder, locked for this run; None for None.

    Args:
        folder: where it lies; made where it is not there.
        say: told in one sentence where what was kept is of no use.

    Raises:
        StateError: another run uses the folder, it is something else, or a later version's.
        OutputError: it cannot be made.
    """
    if folder is None:
        yield None
        return
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / _LOCK).open("ab")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StateError(f"{folder} is in use by another run; wait for its end, or give another folder") from error
        yield State(folder, say)


class State:
    """What earlier runs have kept.

    Args:
        folder: where it lies; this run holds its lock.
        say: as for ``opened_state``.

    Raises:
        StateError, OutputError: as for ``opened_state``.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._shelf = Shelf(folder, folder / _SEGMENTS, _read(folder, say), self._commit)
        with writing(folder):
            self._shelf.segments.mkdir(exist_ok=True)
        self._commit()

    def read(
        self,
        source: str | Path,
        rejects: Rejects,
        until: datetime | None,
        tell: Callable[[str, int], None],
    ) -> KeptStream:
        """Read what is new of a log, and give all of it.

        Args:
            source: file, folder or glob of the log.
            rejects: takes the rows that cannot be used.
            until: rows after this are left out; the state keeps them.
            tell: told the stage and the rows done.

        Raises:
            InputError: the log cannot be read.
            OutputError: the state cannot be written.
        """
        files = find_files(source)
        update(self._shelf, files, tell)
        self._sweep()
        return KeptStream(self._shelf, files, rejects, until, tell)

    def _commit(self) -> None:
        """Write the manifest beside and rename it, once the segments' names are on the disk."""
        document = {"schema": SCHEMA} | to_document(self._shelf.manifest)
        partial = self._folder / _PARTIAL
        with writing(self._folder):
            _sync(self._shelf.segments)
            with partial.open("w", encoding="utf-8") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._folder / _MANIFEST)
            _sync(self._folder)

    def _sweep(self) -> None:
        """Remove the segments that the manifest does not name."""
        named = {stored.name for stored in self._shelf.manifest.stored()}
        for path in self._shelf.segments.iterdir():
            if path.name not in named and _SEGMENT.fullmatch(path.name):
                with suppress(OSError):
                    path.unlink()


def _read(folder: Path, say: Callable[[str], None]) -> Manifest:
    reading = reading_version()
    path = folder / _MANIFEST
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        manifest = from_document(migrated(document, str(path)))
    except FileNotFoundError:
        if any(entry.name not in _OURS for entry in folder.iterdir()):
            raise StateError(f"{folder} holds other files and no state; give a new or an empty folder") from None
        return Manifest(reading)
    except (OSError, ValueError, KeyError, TypeError):
        say(f"{path} is damaged; the whole log is read again")
        return Manifest(reading)
    if manifest.reading != reading:
        say(f"The state in {folder} was kept by another version of the readers; the whole log is read again")
        return Manifest(reading, manifest.number)
    return manifest


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
