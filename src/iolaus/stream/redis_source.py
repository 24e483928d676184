"""Following a Redis stream: entries whose field ``exchange`` (or whose only field) holds one exchange as JSON."""

from typing import Any, Final
from urllib.parse import urlsplit

from iolaus.errors import InputError

try:
    import redis
except ImportError as error:
    raise InputError("a Redis stream needs one more package: pip install 'iolaus[stream]'") from error

__all__ = ["RedisStream"]

_ENTRIES: Final = 5_000
_FIELD: Final = b"exchange"


class RedisStream:
    """A Redis stream, read with XREAD from where it was; nothing is acknowledged or removed there.

    Args:
        url: such as ``redis://localhost:6379/exchanges``; the path's last part is the stream's key, one before it the
            database's number.

    Raises:
        InputError: the URL names no stream.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        *database, key = [part for part in parts.path.split("/") if part] or [""]
        if not key or len(database) > 1 or not all(d.isdigit() for d in database):
            raise InputError(f"{_shown(url)} names no stream; write redis://HOST:PORT/STREAM")
        self._name, self._key, self._last = _shown(url), key.encode(), b"0-0"
        base = parts._replace(path="/" + "".join(database)).geturl()
        self._client: Any = redis.Redis.from_url(base, socket_timeout=30, socket_connect_timeout=10)

    @property
    def position(self) -> object:
        """The id of the last entry that was read."""
        return self._last.decode()

    def seek(self, position: object) -> None:
        """Go on after an entry."""
        self._last = str(position).encode()

    def read(self, last: bool = False) -> bytes | None:
        """The next entries; see ``iolaus.stream.source.Source``.

        Raises:
            InputError: the server cannot be reached, or the key is no stream.
        """
        try:
            found = self._client.xread({self._key: self._last}, count=_ENTRIES)
        except redis.RedisError as error:
            raise InputError(f"{self._name} cannot be read: {' '.join(str(error).split())[:200]}") from error
        if not found:
            return None
        entries = found[0][1] if isinstance(found, list) else next(iter(found.values()))[0]
        self._last = entries[-1][0]
        return b"".join(_line(values) for _, values in entries)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _line(values: dict[bytes, bytes]) -> bytes:
    text = values.get(_FIELD) or (next(iter(values.values())) if len(values) == 1 else b"{}")
    # A line break inside JSON is mere layout.
    return text.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def _shown(url: str) -> str:
    """The URL without a password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
