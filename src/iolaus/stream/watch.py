"""Watching a log: read, judge, write the findings, and be able to go on after whatever ends it."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from iolaus.campaign import Casebook
from iolaus.detect.outputs import write_together
from iolaus.errors import InputError, OutputError
from iolaus.ingest import Rejects, read_accounts
from iolaus.ingest.conform import EXCHANGE_TABLE, conform
from iolaus.ingest.jsonl import BlockParser
from iolaus.schema import ACCOUNTS, EXCHANGES
from iolaus.stream.checkpoint import Checkpoints
from iolaus.stream.files import FollowedFiles
from iolaus.stream.settings import StreamSettings
from iolaus.stream.source import Source
from iolaus.stream.stream import Stream

__all__ = ["Watch", "open_source"]

_IDLE_S: Final = 0.5
_CHECKPOINT_S: Final = 60.0
_CHECKPOINT_ROWS: Final = 2_000_000


def open_source(source: str) -> Source:
    """The source that a text names: ``redis://HOST:PORT/STREAM``, or a file or folder of JSON Lines."""
    if source.startswith(("redis://", "rediss://")):
        from iolaus.stream.redis_source import RedisStream

        return RedisStream(source)
    return FollowedFiles(Path(source).expanduser())


class Watch:
    """A stream over a source, with its findings and checkpoints in a folder.

    ``campaigns.json``, ``accounts.parquet`` and ``exchanges.parquet`` in the folder are what ``detect`` writes, so that
    ``iolaus policy publish --findings FOLDER`` takes them up; ``watch.json`` says how far it is. Findings are written
    whenever they change; a checkpoint after a judgement, after a minute, and at the end.

    Args:
        source: what is read.
        folder: gets all that.
        accounts: the account table, read anew for every judgement; None for none.
        settings: of the stream.
        also: what else is written with the findings of a judgement, such as a report; by file name.
    """

    def __init__(
        self,
        source: Source,
        folder: Path,
        accounts: str | None = None,
        settings: StreamSettings | None = None,
        also: Callable[[Casebook], Mapping[str, Callable[[Path], None]]] = lambda book: {},
    ) -> None:
        self._source, self._folder, self._also = source, folder, also
        self._checkpoints = Checkpoints(folder / ".stream")
        self._rejects = Rejects(folder / "rejects.jsonl")
        self._accounts = accounts
        self._parser = BlockParser(EXCHANGES)
        self._settings = settings or StreamSettings()
        self._saved_at, self._saved_rows, self._saved_judged = time.monotonic(), 0, 0
        self.stream = Stream(self._settings)

    def run(
        self,
        stop: Callable[[], bool],
        once: bool = False,
        tell: Callable[[Stream], None] = lambda stream: None,
    ) -> None:
        """Watch until told to stop.

        Args:
            stop: asked between two blocks.
            once: judge and end when the source has no more, instead of waiting for more.
            tell: called after every block.

        Raises:
            InputError: the source, the account table or an older checkpoint cannot be used.
            OutputError: the folder cannot be written, or another watch has it.
        """
        with _locked(self._folder):
            self._restore()
            try:
                self._follow(stop, once, tell)
            finally:
                self._source.close()

    def _follow(self, stop: Callable[[], bool], once: bool, tell: Callable[[Stream], None]) -> None:
        while not stop():
            block = self._source.read(last=once)
            if block is None:
                if once:
                    if not self.stream.window.counts.read:
                        raise InputError("there is nothing to read, and with --once nothing is waited for")
                    self.stream.judge()
                    self._publish()
                    tell(self.stream)
                    break
                self._save_if_due()
                time.sleep(_IDLE_S)
                continue
            for batch in self._batches(block):
                self.stream.take(batch, self._publish)
            tell(self.stream)
            self._save_if_due()
        self._save()

    def _restore(self) -> None:
        found = self._checkpoints.load(self._settings)
        if found is not None:
            self.stream, position = found
            self._source.seek(position)
        self.stream.accounts = self._people
        self._saved_rows, self._saved_judged = self.stream.window.counts.read, self.stream.judged

    def _people(self, until: datetime) -> pa.Table:
        if self._accounts is None:
            return ACCOUNTS.empty_table()
        return read_accounts(self._accounts, Rejects(os.devnull), until=until)

    def _batches(self, block: bytes) -> Iterator[pa.RecordBatch]:
        for chunk in self._parser.parse(block, 1):
            batch, _ = conform(chunk, EXCHANGE_TABLE, "stream", self._rejects, None)
            if batch.num_rows:
                yield batch

    def _publish(self) -> None:
        found = self.stream.findings
        if found is None:
            return
        also = dict(self._also(found.book)) if found.book is not None else {}
        also["watch.json"] = self._write_status
        write_together(self._folder, found.detection, found.accounts, found.exchanges, also)

    def _write_status(self, path: Path) -> None:
        path.write_text(json.dumps(self.status(), indent=2) + "\n", encoding="utf-8")

    def status(self) -> dict[str, object]:
        """How far the watch is."""
        stream = self.stream
        return {
            "schema": "iolaus.watch/1",
            "judgements": stream.judged,
            "exchanges": asdict(stream.window.counts),
            "rejected": self._rejects.count,
            "window": {
                "exchanges": stream.window.rows,
                "slices": len(stream.window.slices),
                "exchanges_an_account_and_slice": stream.window.cap,
            },
            "accounts": len(stream.people.ids),
            "campaigns": {name: one.current for name, one in stream.known.items()},
        }

    def _save_if_due(self) -> None:
        read = self.stream.window.counts.read
        news = read > self._saved_rows
        late = time.monotonic() - self._saved_at >= _CHECKPOINT_S or read - self._saved_rows >= _CHECKPOINT_ROWS
        if news and (late or self.stream.judged > self._saved_judged):
            self._save()

    def _save(self) -> None:
        self._checkpoints.save(self.stream, self._source.position)
        self._rejects.close()
        self._saved_at, self._saved_rows = time.monotonic(), self.stream.window.counts.read
        self._saved_judged = self.stream.judged


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one watch; the lock goes with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OutputError(f"cannot write to folder {folder}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(f"another watch is writing to {folder}") from error
        yield
    finally:
        os.close(handle)
