"""Material that prompts paste below a request: letters, notes, articles, minutes.

With real text at hand, passages are pieces of its answers: first to questions that nobody in the range asks, then to
such as independent people ask, never to those of a work queue. A piece is pasted once: by one account, or as part of
one item, which then has it whoever sends the item. What an account pastes stands together in the files, and no text
is cut in two between accounts. When the pieces run out, and in a range from the grammars, passages are written: each
account has two subjects of its own out of two dozen, each with words of its own.
"""

import re
from functools import cache
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from iolaus.simulate.grammar import Grammar, Ints
from iolaus.simulate.grammars import DOMAINS
from iolaus.simulate.subjects import SUBJECTS
from iolaus.simulate.words import WORDS

__all__ = ["Passages"]

Columns = dict[str, NDArray[Any]]

_CHINESE: Final = np.array([name.startswith("zh") for name in DOMAINS])
# A passage has this many characters or a sentence more, and up to a spread beyond them.
_LEAST, _SPREAD = 90, 160
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
# Slots are a subject's own, a clause is who did what, and a capital begins a sentence.
_FRAMES: Final = {
    "en": (
        "{when}, {clause}.",
        "{Clause} {how}.",
        "{Clause}, and {clause} {how}.",
        "{when}, {clause} {how}.",
        "{Clause} and {what} {how}.",
        "{What}: {who} {did} it {how}.",
        "{How}, {clause}; {clause}.",
        "{Who}, {who} and {clause}.",
        "{when}: {what}, {what}, {n}, {what}.",
        "{Clause} ({nn}) {how}.",
        "{when} {name} and {clause}, {how}.",
        "{name} said {clause}.",
    ),
    "zh": (
        "{when}，{who}{how}{did}{what}。",
        "{clause}。",
        "{who}{how}{did}{what}，{clause}。",
        "{when}{clause}和{what}。",
        "{who}、{zh_name}{how}{did}{what}。",
        "{zh_name}说{clause}。",
        "{when}，{what}，{n}，{what}。",
    ),
}
_ODD: Final = 0x9E3779B97F4A7C15
_MASK: Final = 2**64 - 1


class Passages:
    """Writes pasted passages.

    Args:
        texts: real texts to paste, in order, by language (``en``, ``zh``); none for a range from the grammars.
    """

    def __init__(self, texts: dict[str, list[str]]) -> None:
        """Cut the texts into pieces."""
        self._pieces: dict[str, list[str]] = {}
        self._texts: dict[str, Ints] = {}
        for language in sorted(texts):
            pieces: list[str] = []
            begins = []
            for text in texts[language]:
                begins.append(len(pieces))
                pieces += _cut(text)
            self._pieces[language] = pieces
            self._texts[language] = np.array([*begins, len(pieces)], dtype=np.int64)

    def shelve(self, rows: Columns) -> Ints:
        """Give each row that pastes its pieces.

        Args:
            rows: the plan's columns, shape (n,) each.

        Returns:
            Number of the row's first piece, -1 where it pastes nothing or what it pastes is written; shape (n,).
        """
        out = np.full(len(rows["passages"]), -1, dtype=np.int64)
        for language, pieces in self._pieces.items():
            pastes = (rows["passages"] != 0) & (_CHINESE[rows["domain"]] == (language == "zh"))
            place = np.flatnonzero(pastes)
            if len(place) == 0:
                continue
            count = np.abs(rows["passages"][place]).astype(np.int64)
            first, same = _distinct(rows, place)
            account = rows["account"][place[first]]
            order = np.lexsort((first, account))
            begins = self._begins(language, account[order], count[first[order]])
            begins[begins + count[first[order]] > len(pieces)] = -1
            piece = np.empty(len(first), dtype=np.int64)
            piece[order] = begins
            out[place] = piece[same]
        return out

    def text(self, domain: str, count: int, shelf: int, owner: int, seed: int) -> str:
        """What is pasted below a request, in the language of its domain.

        Args:
            domain: of the item.
            count: how many passages.
            shelf: number of the first piece, -1 where they are written.
            owner: whose subjects a written passage has: number of an account, or of an item that has it as a part.
            seed: of a written passage.
        """
        language = "zh" if domain.startswith("zh") else "en"
        if shelf >= 0:
            return "\n\n" + "\n".join(self._pieces[language][shelf : shelf + count])
        return "\n\n" + "\n".join(_written(language, owner, seed + i) for i in range(count))

    def _begins(self, language: str, account: NDArray[Any], count: Ints) -> Ints:
        """First piece of each paste, sorted by account; an account begins with a text that no other one has."""
        ends = np.cumsum(count)
        starts = ends - count
        _, first = np.unique(account, return_index=True)
        texts = self._texts[language]
        shift = np.zeros(len(account), dtype=np.int64)
        reached = 0
        for begin, end in zip(first.tolist(), [*first[1:].tolist(), len(account)], strict=True):
            fresh = int(texts[np.searchsorted(texts, reached)]) if reached < texts[-1] else reached
            shift[begin:end] = fresh - starts[begin]
            reached = fresh + int(ends[end - 1] - starts[begin])
        return starts + shift


def _distinct(rows: Columns, place: Ints) -> tuple[Ints, Ints]:
    """First row of each different paste, and the paste of each row.

    An item has its own; a request that is repeated pastes the same again.
    """
    part = rows["passages"][place] < 0
    key = np.where(part, rows["code"][place] * len(DOMAINS) + rows["domain"][place], rows["salt"][place])
    _, first, same = np.unique(np.stack([part, key]), axis=1, return_index=True, return_inverse=True)
    return first, same


def _cut(text: str) -> list[str]:
    """Pieces of a text at the ends of its sentences; what is left over at the end belongs to the last one."""
    out: list[str] = []
    held: list[str] = []
    size = 0
    for sentence in _SENTENCE_END.split(text.strip()):
        held.append(sentence)
        size += len(sentence) + 1
        if size >= _LEAST + (size * _ODD >> 7) % _SPREAD:
            out.append(_join(held))
            held, size = [], 0
    if size >= _LEAST or not out:
        out.append(_join(held))
    elif held:
        out[-1] = _join([out[-1], *held])
    return out


def _join(sentences: list[str]) -> str:
    return ("" if sentences[0][-1:] in "。！？" else " ").join(sentences)


@cache
def _grammars(language: str) -> tuple[Grammar, ...]:
    return tuple(Grammar(_FRAMES[language], WORDS | _words(subject, language)) for subject in SUBJECTS[language])


def _words(subject: dict[str, str], language: str) -> dict[str, tuple[str, ...]]:
    words = {slot: tuple(" ".join(w.split()) for w in text.split("|")) for slot, text in subject.items()}
    between = "" if language == "zh" else " "
    # Clauses are joined once, because most of a long prompt is made of them.
    words["clause"] = tuple(map(between.join, product(words["who"], words["did"], words["what"])))
    return words | {slot.capitalize(): tuple(w[0].upper() + w[1:] for w in words[slot]) for slot in words}


def _written(language: str, owner: int, seed: int) -> str:
    grammars = _grammars(language)
    # One of the owner's two subjects.
    lot = (owner * 2 + (seed & 1)) * _ODD & _MASK
    render = grammars[(lot >> 33) % len(grammars)].render
    length = _LEAST + (seed >> 7) % _SPREAD
    state, size = (seed ^ 0x5DEECE66D) & _MASK, 0
    out = []
    while size < length:
        state = (state * 6364136223846793005 + 1442695040888963407) & _MASK
        sentence = render(state >> 16)
        out.append(sentence)
        size += len(sentence) + 1
    return ("" if language == "zh" else " ").join(out)
