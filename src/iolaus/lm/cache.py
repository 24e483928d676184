"""Answers kept on disk, so that no question is paid for twice."""

import hashlib
import json
import os
import sqlite3
import threading
import time
import weakref
from pathlib import Path
from typing import Any, Final

from iolaus.errors import OutputError

__all__ = ["AnswerCache", "request_digest"]

_VERSION: Final = 1


def request_digest(url: str, payload: dict[str, Any], draw: int) -> bytes:
    """SHA-256 over all that decides an answer: address, request and number of the draw. No key is part of it."""
    text = json.dumps([url, payload, draw], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


class AnswerCache:
    """A file of answers under digests of their requests; requests themselves are not kept.

    Processes may share the file. An answer is there whole or not at all, also after ``kill -9``: SQLite's
    write-ahead log sees to it.

    Args:
        path: the file; its folder is made.

    Raises:
        OutputError: the file cannot be made, or is no cache of answers.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._owner, self._connection = os.getpid(), self._open()
        self._closing = weakref.finalize(self, self._connection.close)

    def get(self, digest: bytes) -> dict[str, Any] | None:
        """The answer kept under a digest, or None."""
        with self._lock:
            try:
                row = self._mine().execute("SELECT body FROM answer WHERE digest = ?", (digest,)).fetchone()
            except sqlite3.Error as error:
                raise OutputError(f"cache of answers {self._path} cannot be read: {error}") from error
        if row is None:
            return None
        found: dict[str, Any] = json.loads(row[0])
        return found

    def put(self, digest: bytes, body: dict[str, Any]) -> None:
        """Keep an answer; the first one kept under a digest stays.

        Raises:
            OutputError: it cannot be written, as on a full disk.
        """
        text = json.dumps(body, ensure_ascii=True, separators=(",", ":"))
        with self._lock:
            try:
                with self._mine() as connection:
                    connection.execute(
                        "INSERT OR IGNORE INTO answer (digest, body, kept_at) VALUES (?, ?, ?)",
                        (digest, text, int(time.time())),
                    )
            except sqlite3.Error as error:
                raise OutputError(f"cache of answers {self._path} cannot be written: {error}") from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._closing()

    def _mine(self) -> sqlite3.Connection:
        # A connection carried over a fork corrupts the file (sqlite.org/howtocorrupt.html, 2.6).
        if self._owner != os.getpid():
            self._owner, self._connection = os.getpid(), self._open()
            self._closing.detach()
            self._closing = weakref.finalize(self, self._connection.close)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=60.0, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise OutputError(f"cache of answers {self._path} cannot be opened: {error}") from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            with connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS answer (digest BLOB PRIMARY KEY, body TEXT NOT NULL, "
                    "kept_at INTEGER NOT NULL) WITHOUT ROWID"
                )
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version not in (0, _VERSION):
                    raise OutputError(f"cache of answers {self._path} is of version {version}, not {_VERSION}")
                connection.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error as error:
            connection.close()
            raise OutputError(f"{self._path} cannot be used as a cache of answers: {error}") from error
        except OutputError:
            connection.close()
            raise
        return connection
