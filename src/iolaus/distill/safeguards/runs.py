"""A suffix automaton over words: the longest run that a text shares with a corpus, exactly, in one pass.

Blumer et al., "The smallest automaton recognizing the subwords of a text", Theoretical Computer Science 40 (1985),
section 2. It has at most 2n states and 3n transitions for n words. Transitions are found through a hash table and
copied through a list at each state.
"""

from typing import Final

import numpy as np

from iolaus.text.jit import inlined, kernel
from iolaus.text.tokens import mix64

__all__ = ["Automaton", "build_automaton", "longest_runs"]

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)

Automaton = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Lengths and links of the states; slots of the hash table; state, word and target of each transition."""


@inlined
def _slot_of(state: int, word: int, mask: int) -> int:
    return mix64(np.uint64(state) * _MIX + np.uint64(word)) & mask


@kernel
def _find(slots: np.ndarray, states: np.ndarray, words: np.ndarray, state: int, word: int) -> int:
    """The transition from a state by a word, or -1."""
    mask = np.uint64(slots.shape[0] - 1)
    slot = _slot_of(state, word, mask)
    while slots[slot] >= 0:
        at = slots[slot]
        if states[at] == state and words[at] == word:
            return at
        slot = (slot + np.uint64(1)) & mask
    return -1


@kernel
def _add(
    slots: np.ndarray, states: np.ndarray, words: np.ndarray, targets: np.ndarray, following: np.ndarray,
    first: np.ndarray, used: int, state: int, word: int, target: int,
) -> int:  # fmt: skip
    """A new transition; returns how many there are."""
    mask = np.uint64(slots.shape[0] - 1)
    slot = _slot_of(state, word, mask)
    while slots[slot] >= 0:
        slot = (slot + np.uint64(1)) & mask
    slots[slot] = used
    states[used] = state
    words[used] = word
    targets[used] = target
    following[used] = first[state]
    first[state] = used
    return used + 1


@kernel
def _build(
    text: np.ndarray, lengths: np.ndarray, links: np.ndarray, first: np.ndarray, slots: np.ndarray,
    states: np.ndarray, words: np.ndarray, targets: np.ndarray, following: np.ndarray,
) -> tuple[int, int]:  # fmt: skip
    links[0] = -1
    count, used, last = 1, 0, 0
    for i in range(text.shape[0]):
        word = text[i]
        new = count
        count += 1
        lengths[new] = lengths[last] + 1
        at = last
        while at >= 0 and _find(slots, states, words, at, word) < 0:
            used = _add(slots, states, words, targets, following, first, used, at, word, new)
            at = links[at]
        last = new
        if at < 0:
            links[new] = 0
            continue
        there = targets[_find(slots, states, words, at, word)]
        if lengths[there] == lengths[at] + 1:
            links[new] = there
            continue
        copy = count
        count += 1
        lengths[copy] = lengths[at] + 1
        links[copy] = links[there]
        edge = first[there]
        while edge >= 0:
            used = _add(slots, states, words, targets, following, first, used, copy, words[edge], targets[edge])
            edge = following[edge]
        while at >= 0:
            edge = _find(slots, states, words, at, word)
            if edge < 0 or targets[edge] != there:
                break
            targets[edge] = copy
            at = links[at]
        links[there] = copy
        links[new] = copy
    return count, used


def build_automaton(text: np.ndarray) -> Automaton:
    """The automaton of a text.

    Args:
        text: int64 (n,) words as numbers; a number that comes once (a document's end) is crossed by no shared run.
    """
    n = max(text.size, 1)
    lengths = np.zeros(2 * n + 1, dtype=np.int32)
    links = np.zeros(2 * n + 1, dtype=np.int32)
    first = np.full(2 * n + 1, -1, dtype=np.int32)
    states, targets, following = (np.zeros(3 * n + 4, dtype=np.int32) for _ in range(3))
    words = np.zeros(3 * n + 4, dtype=np.int64)
    slots = np.full(1 << int(5 * n + 8).bit_length(), -1, dtype=np.int32)
    count, used = _build(text, lengths, links, first, slots, states, words, targets, following)
    return lengths[:count], links[:count], slots, states[:used], words[:used], targets[:used]


@kernel
def _longest(
    text: np.ndarray, ends: np.ndarray, lengths: np.ndarray, links: np.ndarray, slots: np.ndarray,
    states: np.ndarray, words: np.ndarray, targets: np.ndarray, best: np.ndarray, stops: np.ndarray,
) -> None:  # fmt: skip
    for row in range(ends.shape[0] - 1):
        state, length = 0, 0
        for i in range(ends[row], ends[row + 1]):
            edge = _find(slots, states, words, state, text[i])
            while edge < 0 and state > 0:
                state = links[state]
                length = lengths[state]
                edge = _find(slots, states, words, state, text[i])
            if edge >= 0:
                state = targets[edge]
                length += 1
            else:
                length = 0
            if length > best[row]:
                best[row] = length
                stops[row] = i + 1 - ends[row]


def longest_runs(automaton: Automaton, text: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The longest run of words that each text shares with the corpus.

    Args:
        automaton: of the corpus.
        text: int64, the words of all texts in a row.
        ends: int64 (n + 1,): text i has ``text[ends[i]:ends[i + 1]]``.

    Returns:
        Length of the run in words, and where in the text it ends (0 for none); int64 (n,) each.
    """
    best = np.zeros(ends.size - 1, dtype=np.int64)
    stops = np.zeros(ends.size - 1, dtype=np.int64)
    _longest(text, ends, *automaton, best, stops)
    return best, stops
