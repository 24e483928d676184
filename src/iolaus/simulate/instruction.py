"""One instruction: what its author demands, and every way in which the author may word it.

People agree on what they want and differ in how they say it, and so does a program that rewords a template. An
instruction is therefore a choice of demands (numbered steps, the confidence at the end) and of a few sentence
patterns that all hold these demands. Its wordings are the sentences of a grammar: any wording of each demand, any
synonym of each small word, any of the patterns. Two wordings of one instruction demand the same and need not share a
phrase; two instructions of one style share the small words and, by chance, a demand.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from iolaus.simulate.grammar import SLOT, Grammar
from iolaus.simulate.phrases import DEMANDS, NAMES, SYNONYMS
from iolaus.simulate.styles import ITEM, STYLES
from iolaus.simulate.words import WORDS

__all__ = ["Instruction", "instruct"]

# What stands between two demands of one slot; other slots hold one demand.
_JOINED: Final = {
    "steps": ", ", "finish": " ", "trace": " and ", "just": ", ", "codehow": " ", "agenthow": " ", "safehow": " ",
    "zh_check": "，", "zh_finish": "", "rule": " ",
}  # fmt: skip
_SECOND: Final = 0.4
_PINNED: Final = {"brand": NAMES} | {slot: WORDS[slot] for slot in ("tone", "name", "job", "subject")}
# The most numbers that one instruction takes.
_CHOICES: Final = 64


@dataclass(frozen=True, slots=True)
class Instruction:
    """What is demanded, and the grammar of its wordings.

    Attributes:
        style: one of STYLES.
        demands: numbers of the demands in each slot, as DEMANDS has them.
        grammar: every wording; each holds one NUL where the item goes (none in a style without item).
    """

    style: str
    demands: Mapping[str, tuple[int, ...]]
    grammar: Grammar


def instruct(rng: np.random.Generator, style: str) -> Instruction:
    """Make up an instruction of a style.

    Args:
        rng: source of chance; each call takes the same number of draws.
        style: one of STYLES.
    """
    chance = iter(rng.random(_CHOICES).tolist())
    groups = _groups(style)
    patterns = groups[_index(chance, len(groups))]
    slots = dict.fromkeys(slot for p in patterns for slot in SLOT.findall(p))
    demands: dict[str, tuple[int, ...]] = {}
    words: dict[str, tuple[str, ...]] = {}
    for slot in slots:
        if slot in DEMANDS:
            more = next(chance) < _SECOND and slot in _JOINED
            demands[slot] = _distinct(chance, len(DEMANDS[slot]), 1 + more)
            words |= {f"{slot}{i}": DEMANDS[slot][d] for i, d in enumerate(demands[slot])}
        elif slot in _PINNED:
            words[slot] = (_PINNED[slot][_index(chance, len(_PINNED[slot]))],)
        else:
            words[slot] = (ITEM,) if slot == "item" else SYNONYMS.get(slot) or WORDS[slot]
    some = _distinct(chance, len(patterns), min(len(patterns), 2 + (next(chance) < 0.5)))
    said = [_spell_out(chance, patterns[i], demands) for i in some]
    return Instruction(style, demands, Grammar(said, words, even=True))


@cache
def _groups(style: str) -> tuple[tuple[str, ...], ...]:
    """A style's patterns by the slots of demands they hold, each group as often as it has patterns."""
    groups: dict[frozenset[str], list[str]] = {}
    for pattern in STYLES[style]:
        groups.setdefault(frozenset(SLOT.findall(pattern)) & frozenset(DEMANDS), []).append(pattern)
    return tuple(tuple(group) for group in groups.values() for _ in group)


def _spell_out(chance: Iterator[float], pattern: str, demands: Mapping[str, tuple[int, ...]]) -> str:
    """The pattern with a slot for each demand; their order is the pattern's own."""
    for slot, numbers in demands.items():
        order = _distinct(chance, len(numbers), len(numbers)) if len(numbers) > 1 else (0,)
        pattern = pattern.replace(f"{{{slot}}}", _JOINED.get(slot, " ").join(f"{{{slot}{i}}}" for i in order))
    return pattern


def _index(chance: Iterator[float], n: int) -> int:
    return int(next(chance) * n)


def _distinct(chance: Iterator[float], n: int, k: int) -> tuple[int, ...]:
    """``k`` different numbers below ``n``, in random order."""
    left = list(range(n))
    return tuple(left.pop(_index(chance, len(left))) for _ in range(k))
