"""Whose request is it? Only what was verified counts: a key that is on file, or the word of a proxy of one's own."""

import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from iolaus.errors import InputError

__all__ = ["Identify", "by_key", "by_trusted_header", "key_digest", "read_keys"]

Scope = Mapping[str, Any]
# Names the account of a request, None where nobody vouches for one.
Identify = Callable[[Scope], str | None]

_LONGEST_ID: Final = 512
_MOST_REMEMBERED: Final = 100_000
_KEY_HEADERS: Final = frozenset({b"authorization", b"x-api-key"})


def key_digest(key: str | bytes) -> str:
    """SHA-256 of an API key, hex: the form in which keys are kept on file."""
    return sha256(key.encode() if isinstance(key, str) else key).hexdigest()


def read_keys(path: Path) -> dict[str, str]:
    """A file of key digests: one JSON object, SHA-256 of the key in hex to account id.

    Raises:
        InputError: it is not there or is something else.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: the keys cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path}: the keys are not JSON") from error
    if not isinstance(found, dict) or not all(len(k) == 64 and isinstance(v, str) for k, v in found.items()):
        raise InputError(f"{path}: wanted one object of SHA-256 digests in hex and account ids")
    return found


def by_key(keys: Callable[[], Mapping[str, str] | None]) -> Identify:
    """Identify by the API key in ``Authorization: Bearer`` or ``x-api-key``.

    What a header's value came to is remembered under its keyed 64-bit hash, so that no key stays in memory. That two
    values meet in one hash has a chance of 1 in 10^14 with 100,000 remembered, and would lend one request another
    account's treatment, never its rights; those are the server's own affair.

    Args:
        keys: hands out digest to account id, None while they could not be read; another object when they have changed.
    """
    remembered: dict[int, str | None] = {}
    remembered_of: Mapping[str, str] | None = None

    def identify(scope: Scope) -> str | None:
        nonlocal remembered_of
        known = keys()
        if not known:
            return None
        if known is not remembered_of or len(remembered) > _MOST_REMEMBERED:
            remembered.clear()
            remembered_of = known
        for name, value in scope["headers"]:
            if name in _KEY_HEADERS:
                place = hash(value)
                if place in remembered:
                    account = remembered[place]
                else:
                    account = remembered[place] = known.get(_digest_of(value))
                if account is not None:
                    return account
        return None

    return identify


def _digest_of(value: bytes) -> str:
    return key_digest(value[7:].strip() if value[:7].lower() == b"bearer " else value)


def by_trusted_header(header: str, proxies: Iterable[str]) -> Identify:
    """Identify by a header that a proxy of one's own sets, and by nobody else's.

    The proxy must overwrite what the client sent under that name. Where the header comes twice the last one counts,
    which is where a proxy that only appends puts its own.

    Args:
        header: its name.
        proxies: addresses or networks of the proxies; the connection's own address is compared with them, never a
            forwarded one.

    Raises:
        InputError: one of them is neither.
    """
    try:
        networks = tuple(ipaddress.ip_network(proxy, strict=False) for proxy in proxies)
    except ValueError as error:
        raise InputError(f"trusted_proxies: {error}") from error
    wanted = header.lower().encode()
    known: dict[str, bool] = {}

    def trusted(peer: str) -> bool:
        if peer not in known:
            if len(known) > 10_000:
                known.clear()
            try:
                address = ipaddress.ip_address(peer)
            except ValueError:
                known[peer] = False
            else:
                known[peer] = any(address in network for network in networks)
        return known[peer]

    def identify(scope: Scope) -> str | None:
        client = scope.get("client")
        if not client or not trusted(client[0]):
            return None
        account: bytes | None = None
        for name, value in scope["headers"]:
            if name == wanted:
                account = value
        if not account or len(account) > _LONGEST_ID:
            return None
        return account.decode("utf-8", "replace").strip() or None

    return identify
