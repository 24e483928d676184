"""The provider's coin, and the order of candidates that knows nothing of it."""

import hashlib
import hmac
from collections.abc import Sequence

from iolaus.errors import InputError

__all__ = ["blind_order", "coin", "key_mark", "twinned"]

_KEY_BYTES = 16


def coin(key: bytes, nonce: bytes, sides: int) -> int:
    """Which of several candidates is served: uniform on ``range(sides)``, fixed by key and nonce alone.

    It knows neither prompt nor candidates, so whatever they are, it is fair to whoever lacks the key. The 256 bits of
    an HMAC-SHA-256 taken modulo a small number of sides are uniform up to 2^-250.
    """
    return int.from_bytes(_keyed(key, b"coin", nonce)) % sides


def twinned(key: bytes, nonce: bytes, rate: float) -> bool:
    """Whether an exchange gets twins at all; independent of its coin."""
    return int.from_bytes(_keyed(key, b"twinned", nonce)[:8]) < rate * 2**64


def key_mark(key: bytes) -> str:
    """A mark by which a key is recognised and which does not give it away."""
    if len(key) < _KEY_BYTES:
        raise InputError(f"the vault's key must have at least {_KEY_BYTES} bytes, not {len(key)}")
    return _keyed(key, b"mark", b"").hex()


def blind_order(candidates: Sequence[str]) -> list[str]:
    """Candidates by the hash of their text: an order that anybody can restore and that no coin had a part in."""
    return sorted(candidates, key=lambda text: hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())


def _keyed(key: bytes, purpose: bytes, nonce: bytes) -> bytes:
    return hmac.digest(key, purpose + b"\x00" + nonce, "sha256")
