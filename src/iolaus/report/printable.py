"""Texts and numbers made fit to be read: hostile characters made visible, quantities in plain words."""

import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["clean", "count", "instant", "instant_us", "plural", "power", "share", "short", "span_of"]

# Characters that act without being seen: controls, direction overrides, zero-width and tag characters, lone
# surrogates. Zero-width joiners stay, because scripts and emoji need them.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SUPERSCRIPT: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNITS: Final = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**4, "k"))


def _seen(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match[0]):04X}⟩"


def clean(text: str) -> str:
    r"""The text with every unseen character written out as ⟨U+202E⟩; \n and \t stay."""
    return _UNSEEN.sub(_seen, text.replace("\r\n", "\n"))


def count(value: int | None) -> str:
    """A whole number with thousands marked; a dash where unknown."""
    return "–" if value is None else f"{value:,}"


def short(value: int | None) -> str:
    """A whole number in at most five characters, such as 28.8M; a dash where unknown."""
    if value is None:
        return "–"
    for size, unit in _UNITS:
        if value >= size:
            divisor = 1000 if unit == "k" else size
            scaled = value / divisor
            return f"{scaled:.1f}{unit}" if scaled < 99.95 else f"{scaled:.0f}{unit}"
    return f"{value:,}"


def plural(number: int, noun: str, many: str | None = None) -> str:
    """A count with its noun."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def power(value: float) -> str:
    """A probability: three decimals down to 0.001, below that as 2.1 × 10⁻⁹."""
    if value >= 0.9995:
        return "1"
    if value >= 0.001:
        return f"{value:.3f}".rstrip("0")
    if value <= 0:
        return "0"
    digits, exponent = f"{value:.1e}".split("e")
    lead = "" if digits == "1.0" else f"{digits.removesuffix('.0')} × "
    return f"{lead}10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def share(value: float) -> str:
    """A share in percent; small ones keep a decimal and none but zero reads 0%."""
    percent = 100 * value
    if 0 < percent < 0.1:
        return "<0.1%"
    return f"{percent:.1f}%" if 0 < percent < 9.95 else f"{percent:.0f}%"


def instant(text: str | None) -> str:
    """An ISO 8601 instant as ``2026-03-01 14:05``; what cannot be read stays as it is, None is a dash."""
    if not text:
        return "–"
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (parsed.astimezone(UTC) if parsed.tzinfo else parsed).strftime("%Y-%m-%d %H:%M")


def instant_us(microseconds: int, form: str = "%Y-%m-%d %H:%M") -> str:
    """An instant in microseconds since 1970, UTC, as text."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).strftime(form)


def span_of(microseconds: int) -> str:
    """A width in time in its largest fitting unit."""
    seconds = max(microseconds // 1_000_000, 1)
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            whole = f"{seconds / size:.1f}".removesuffix(".0")
            return noun if whole == "1" else f"{whole} {noun}s"
    return plural(seconds, "second")
