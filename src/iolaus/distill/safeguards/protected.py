"""Protected text in what a model writes: verbatim runs, the longest shared run, and the overlap of word n-grams.

Runs are counted in words, case and marks aside. A model's answer counts as verbatim where it shares a run of 50 words
or more with the protected corpus, by default: as long as the 50 tokens of Carlini et al., "Quantifying memorization
across neural language models" (ICLR 2023, section 3), or longer. The overlap is the share of the answer's distinct
8-grams that the corpus has.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from iolaus.distill.safeguards.rates import Rate
from iolaus.distill.safeguards.runs import Automaton, build_automaton, longest_runs
from iolaus.errors import InputError

__all__ = ["Memory", "MemoryChange", "ProtectedCorpus", "compare_memory", "protect"]

VERBATIM: Final = 50
GRAM: Final = 8
_DRAWS: Final = 2000
_FACTOR: Final = np.uint64(0x100000001B3)
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Memory:
    """What a model's answers hold of a protected corpus.

    Attributes:
        verbatim: share of answers with a long shared run.
        longest: int64 (n,), words of each answer's longest shared run.
        excerpts: the longest shared run of each answer, as the answer has it.
        overlap: float64 (n,), share of each answer's distinct n-grams that the corpus has; 0 for a shorter answer.
        run: words from which a run counts as verbatim.
        gram: words of an n-gram.
    """

    verbatim: Rate
    longest: np.ndarray
    excerpts: tuple[str, ...]
    overlap: np.ndarray
    run: int
    gram: int

    def to_json(self) -> dict[str, object]:
        """As plain numbers, without the excerpts."""
        return {
            "answers": len(self.longest),
            "verbatim_rate": self.verbatim.to_json(),
            "verbatim_words": self.run,
            "longest_run_words": {
                "mean": float(self.longest.mean()),
                "median": float(np.median(self.longest)),
                "max": int(self.longest.max(initial=0)),
            },
            "overlap": float(self.overlap.mean()),
            "gram": self.gram,
        }


@dataclass(frozen=True, slots=True)
class MemoryChange:
    """One model minus another on the same prompts: (value, low, high), 95%, paired bootstrap over prompts."""

    verbatim: tuple[float, float, float]
    longest: tuple[float, float, float]
    overlap: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ProtectedCorpus:
    """Protected documents, ready to be looked for.

    Attributes:
        numbers: the corpus's words and their numbers.
        automaton: of its words, documents apart.
        grams: uint64, sorted hashes of its n-grams.
        run: words from which a run counts as verbatim.
        gram: words of an n-gram.
    """

    numbers: dict[str, int]
    automaton: Automaton
    grams: np.ndarray
    run: int
    gram: int

    def look_for(self, answers: Sequence[str]) -> Memory:
        """Measure answers against the corpus.

        Raises:
            InputError: there are no answers.
        """
        if not answers:
            raise InputError("there are no answers to compare with the protected text")
        spans = [list(_WORD.finditer(answer)) for answer in answers]
        # A word that the corpus lacks is no word of any shared run; all such words are one number.
        coded = [np.array([self.numbers.get(_folded(m), -1) for m in found], dtype=np.int64) for found in spans]
        ends = np.concatenate([[0], np.cumsum([words.size for words in coded])]).astype(np.int64)
        longest, stops = longest_runs(self.automaton, np.concatenate(coded), ends)
        excerpts = tuple(
            answer[found[stop - length].start() : found[stop - 1].end()] if length else ""
            for answer, found, length, stop in zip(answers, spans, longest.tolist(), stops.tolist(), strict=True)
        )
        overlap = np.array([self._overlap(words) for words in coded])
        verbatim = Rate(int((longest >= self.run).sum()), len(answers))
        return Memory(verbatim, longest, excerpts, overlap, self.run, self.gram)

    def _overlap(self, words: np.ndarray) -> float:
        grams = np.unique(_grams(words, self.gram))
        if not grams.size or not self.grams.size:
            return 0.0
        places = np.minimum(np.searchsorted(self.grams, grams), self.grams.size - 1)
        return float((self.grams[places] == grams).mean())


def protect(documents: Sequence[str], run: int = VERBATIM, gram: int = GRAM) -> ProtectedCorpus:
    """Make a corpus ready.

    Args:
        documents: protected texts.
        run: words from which a shared run counts as verbatim.
        gram: words of an n-gram.

    Raises:
        InputError: the documents hold no words.
    """
    numbers: dict[str, int] = {}
    coded = []
    for document in documents:
        words = [numbers.setdefault(_folded(m), len(numbers)) for m in _WORD.finditer(document)]
        coded.append(np.array(words, dtype=np.int64))
    if not numbers:
        raise InputError("the protected corpus holds no words")
    # Each document ends in a number of its own below all words and the unknown, so that no run crosses it.
    parts = [part for i, words in enumerate(coded) for part in (words, np.array([-2 - i], dtype=np.int64))]
    grams = np.unique(np.concatenate([_grams(words, gram) for words in coded]))
    return ProtectedCorpus(numbers, build_automaton(np.concatenate(parts)), grams, run, gram)


def compare_memory(first: Memory, second: Memory, seed: int = 0) -> MemoryChange:
    """First minus second, such as a student trained on soft targets minus one trained on hard targets.

    Raises:
        ValueError: they do not hold the same number of answers.
    """
    if len(first.longest) != len(second.longest):
        raise ValueError(f"{len(first.longest)} answers stand against {len(second.longest)}")
    rng = np.random.default_rng(seed)
    n = len(first.longest)
    draws = rng.integers(0, n, (_DRAWS, n))

    def change(gap: np.ndarray) -> tuple[float, float, float]:
        low, high = np.quantile(gap[draws].mean(1), [0.025, 0.975])
        return float(gap.mean()), float(low), float(high)

    return MemoryChange(
        change((first.longest >= first.run).astype(float) - (second.longest >= second.run)),
        change((first.longest - second.longest).astype(float)),
        change(first.overlap - second.overlap),
    )


def _folded(word: re.Match[str]) -> str:
    return word.group().lower().replace("’", "'")


def _grams(words: np.ndarray, gram: int) -> np.ndarray:
    """Hashes of the runs of ``gram`` words; uint64."""
    if words.size < gram:
        return np.empty(0, dtype=np.uint64)
    hashes = np.zeros(words.size - gram + 1, dtype=np.uint64)
    for place in range(gram):
        hashes = (hashes ^ words[place : place + hashes.size].astype(np.uint64)) * _FACTOR
        hashes ^= hashes >> np.uint64(29)
    return hashes
