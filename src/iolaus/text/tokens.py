"""Reading a prompt as a row of hashed tokens, straight from UTF-8 bytes.

Normalising happens while reading: case is folded (ASCII, Latin-1, Greek, Cyrillic), whitespace and punctuation only
separate, and three kinds of span become one mark each: numbers, quoted spans and code. Scripts written without
spaces (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese) give one token a pair of neighbouring characters, so that
a shingle of three tokens spans four characters there and three words elsewhere.
"""

import numpy as np

from iolaus.text.jit import inlined, kernel

__all__ = ["MARK_CODE", "MARK_EDGE", "MARK_NUMBER", "MARK_QUOTE", "decode", "mix64", "tokenise"]

MARK_NUMBER = np.uint64(0x9E3779B97F4A7C15)
MARK_QUOTE = np.uint64(0xC2B2AE3D27D4EB4F)
MARK_CODE = np.uint64(0x165667B19E3779F9)
MARK_EDGE = np.uint64(0xD6E8FEB86659FD93)

_FNV = np.uint64(0x100000001B3)
_SEED = np.uint64(0xCBF29CE484222325)
# A quoted span longer than this is running text between two stray quotes, not a filling.
_QUOTE_SPAN = 4000


@inlined
def mix64(h: int) -> int:
    """Spread a 64-bit value over all bits (the finaliser of MurmurHash3)."""
    x = np.uint64(h)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xFF51AFD7ED558CCD)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xC4CEB9FE1A85EC53)
    x ^= x >> np.uint64(33)
    return x


@inlined
def _fold(cp: int) -> int:
    """Lower case of one code point, for the alphabets whose cases lie a fixed distance apart."""
    if 65 <= cp <= 90:
        return cp + 32
    if cp < 0xC0:
        return cp
    if cp <= 0xDE and cp != 0xD7:
        return cp + 32
    if 0x391 <= cp <= 0x3A9 or 0x410 <= cp <= 0x42F:
        return cp + 32
    if 0x400 <= cp <= 0x40F:
        return cp + 80
    if 0xFF21 <= cp <= 0xFF3A:
        return cp - 0xFF21 + 97
    if 0xFF41 <= cp <= 0xFF5A:
        return cp - 0xFF41 + 97
    return cp


@inlined
def _kind(cp: int) -> int:
    """0 separator, 1 letter of a spaced script, 2 digit, 3 character of an unspaced script."""
    if cp < 128:
        if 48 <= cp <= 57:
            return 2
        if 97 <= cp <= 122 or 65 <= cp <= 90 or cp == 95:
            return 1
        return 0
    if cp < 0xC0 or cp == 0xD7 or cp == 0xF7:
        return 0
    if 0x0E00 <= cp <= 0x0EFF or 0x1000 <= cp <= 0x109F or 0x1780 <= cp <= 0x17FF:
        return 3
    if 0x2000 <= cp <= 0x2BFF or 0x3000 <= cp <= 0x303F or 0xFE10 <= cp <= 0xFE6F:
        return 0
    if 0xFF10 <= cp <= 0xFF19:
        return 2
    if 0xFF00 <= cp <= 0xFF0F or 0xFF1A <= cp <= 0xFF20 or 0xFF3B <= cp <= 0xFF40 or 0xFF5B <= cp <= 0xFF65:
        return 0
    if 0x3040 <= cp <= 0x9FFF or 0xAC00 <= cp <= 0xD7A3 or 0xF900 <= cp <= 0xFAFF or cp >= 0x20000:
        return 3
    return 1


_ASCII_KIND = np.array([_kind.py_func(np.int64(c)) for c in range(128)], dtype=np.uint8)  # type: ignore[attr-defined]
_ASCII_FOLD = np.array([_fold.py_func(np.int64(c)) for c in range(128)], dtype=np.uint8)  # type: ignore[attr-defined]


@inlined
def decode(buf: np.ndarray, i: int, end: int) -> tuple[int, int]:
    """One code point at byte ``i`` and the byte after it; broken UTF-8 reads as a separator."""
    b = np.int64(buf[i])
    if b < 0x80:
        return b, i + 1
    if b >= 0xF0 and i + 3 < end:
        cp = ((b & 7) << 18) | ((np.int64(buf[i + 1]) & 63) << 12)
        return cp | ((np.int64(buf[i + 2]) & 63) << 6) | (np.int64(buf[i + 3]) & 63), i + 4
    if 0xE0 <= b < 0xF0 and i + 2 < end:
        return ((b & 15) << 12) | ((np.int64(buf[i + 1]) & 63) << 6) | (np.int64(buf[i + 2]) & 63), i + 3
    if 0xC0 <= b < 0xE0 and i + 1 < end:
        return ((b & 31) << 6) | (np.int64(buf[i + 1]) & 63), i + 2
    return 32, i + 1


@inlined
def _closing(cp: int) -> int:
    """The character that closes a span opened by ``cp``, or 0."""
    if cp == 34:
        return 34
    if cp == 0x201C:
        return 0x201D
    if cp == 0x300C:
        return 0x300D
    if cp == 0x300E:
        return 0x300F
    if cp == 0xAB:
        return 0xBB
    if cp == 96:
        return 96
    return 0


@kernel
def _span_end(buf: np.ndarray, i: np.int64, end: np.int64, closing: int) -> int:
    """Byte after the closing mark of a quoted or code span whose text begins at ``i``; -1 where none closes it."""
    fence = closing == 96 and i + 1 < end and buf[i] == 96 and buf[i + 1] == 96
    if fence:
        i += 2
        while i + 2 < end:
            if buf[i] == 96 and buf[i + 1] == 96 and buf[i + 2] == 96:
                return i + 3
            i += 1
        return end
    stop = min(end, i + _QUOTE_SPAN)
    while i < stop:
        cp, nxt = decode(buf, i, end)
        if cp == closing:
            return nxt
        if cp == 10 and closing == 34 and nxt < end and buf[nxt] == 10:
            return -1
        i = nxt
    return -1


@kernel
def tokenise(buf: np.ndarray, start: int, end: int, out: np.ndarray) -> tuple[int, int]:  # noqa: C901 - one pass, one loop
    """Token hashes of the text ``buf[start:end]``.

    Args:
        buf: uint8 array of UTF-8 bytes.
        start: first byte of the text.
        end: byte after the text.
        out: uint64 array that takes the tokens; reading stops when it is full.

    Returns:
        How many tokens were written, and the hash (uint64) of the whole text with only case and spacing folded:
        numbers, quotes and code count there, so two different fillings of one template differ.
    """
    n = 0
    i = start
    word = _SEED
    in_word = False
    previous = 0
    whole = _SEED
    limit = out.shape[0]
    skip_until = -1
    unclosed = 0
    unclosed_until = -1
    while i < end:
        at = i
        cp = np.int64(buf[i])
        if cp < 128:
            i += 1
            kind = np.int64(_ASCII_KIND[cp])
            cp = np.int64(_ASCII_FOLD[cp])
        else:
            cp, i = decode(buf, i, end)
            kind = _kind(cp)
            cp = _fold(cp)
        if kind != 0:
            whole = (whole ^ np.uint64(cp)) * _FNV
        if at < skip_until:
            continue
        if kind == 1 or (kind == 2 and in_word):
            word = (word ^ np.uint64(cp)) * _FNV
            in_word = True
            previous = 0
            continue
        if in_word:
            if n < limit:
                out[n] = word ^ (word >> np.uint64(29))
                n += 1
            word = _SEED
            in_word = False
        if n >= limit:
            continue
        if kind == 3:
            if previous != 0:
                pair = (_SEED ^ np.uint64(previous)) * _FNV
                out[n] = (pair ^ np.uint64(cp)) * _FNV
                n += 1
            previous = cp
            continue
        previous = 0
        if kind == 2:
            # Neighbouring digit groups ("1,234.50", "3 4") are one number.
            if n == 0 or out[n - 1] != MARK_NUMBER:
                out[n] = MARK_NUMBER
                n += 1
            continue
        closing = _closing(cp)
        if closing != 0 and not (closing == unclosed and at < unclosed_until):
            stop = _span_end(buf, i, end, closing)
            if stop > 0:
                out[n] = MARK_CODE if closing == 96 else MARK_QUOTE
                n += 1
                skip_until = stop
            elif closing > 127:
                # Nothing closes this kind of quote for a while; asking anew at each one would take for ever.
                unclosed = closing
                unclosed_until = i + _QUOTE_SPAN
    if in_word and n < limit:
        out[n] = word ^ (word >> np.uint64(29))
        n += 1
    return n, mix64(whole)
