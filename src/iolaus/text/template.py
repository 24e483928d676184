"""The template behind a family: the words that stay, and the slots whose fillings change."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

__all__ = ["template_of"]

# A word, one character of an unspaced script, or one mark; what follows it in white space belongs to it.
_PIECE: Final = re.compile(r"(?:[^\W\u0e00-\u0eff\u3040-\u9fff\uac00-\ud7a3]+|[^\s])\s*")
_STAYS: Final = 0.7
_PIECES: Final = 500


def template_of(prompts: Sequence[str], examples: int = 3) -> list[tuple[str, tuple[str, ...]]]:
    """Align prompts of one family and tell what stays from what changes.

    The prompt of median length is the base; every other one is aligned with it (longest matching blocks: Ratcliff and
    Obershelp), and a piece of the base stays when at least 70% of the others have it in its place.

    Args:
        prompts: a sample of the family's prompts, a dozen is enough.
        examples: fillings to give of each slot.

    Returns:
        Parts in order: ``(text, ())`` for words that stay, ``("", fillings)`` for a slot. Fillings are distinct and
        come in the order of the prompts.
    """
    distinct = sorted(set(prompts), key=lambda text: (len(text), text))
    if not distinct:
        return []
    base_at = len(distinct) // 2
    base = _PIECE.findall(distinct[base_at])[:_PIECES]
    others = [_PIECE.findall(text)[:_PIECES] for i, text in enumerate(distinct) if i != base_at]
    keys = [piece.strip().lower() for piece in base]
    maps = [_aligned(keys, [piece.strip().lower() for piece in other]) for other in others]
    need = max(_STAYS * len(others), 1)
    stays = [sum(i in m for m in maps) >= need for i in range(len(base))] if others else [True] * len(base)
    parts: list[tuple[str, tuple[str, ...]]] = []
    at = 0
    while at < len(base):
        end = at
        while end < len(base) and stays[end] == stays[at]:
            end += 1
        if stays[at]:
            parts.append(("".join(base[at:end]), ()))
        else:
            fillings = ["".join(base[at:end])]
            fillings += [_filling(other, m, at, end, len(base)) for other, m in zip(others, maps, strict=True)]
            parts.append(("", tuple(_first_distinct(fillings, examples))))
        at = end
    return parts


def _aligned(base: list[str], other: list[str]) -> dict[int, int]:
    """Places of the base's pieces in another prompt, for those that it has."""
    blocks = SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks()
    return {block.a + i: block.b + i for block in blocks for i in range(block.size)}


def _filling(other: list[str], places: dict[int, int], start: int, end: int, size: int) -> str:
    """What another prompt has between the pieces around the base's slot ``start:end``."""
    before = max((places[i] for i in range(start) if i in places), default=-1)
    after = min((places[i] for i in range(end, size) if i in places), default=len(other))
    return "".join(other[before + 1 : after])


def _first_distinct(fillings: list[str], most: int) -> list[str]:
    seen = dict.fromkeys(text.strip() for text in fillings)
    return [text for text in seen if text][:most]
