"""How alike two answers to one prompt are: by their phrases, and by their make-up."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["FEATURES", "makeup_likeness", "phrase_likeness"]

FEATURES: Final = ("phrases", "make-up")

_WORD: Final = re.compile(r"\w+|[^\w\s]")
_MARKS: Final = {
    "bullets": re.compile(r"^\s*[-*•] ", re.MULTILINE),
    "numbers": re.compile(r"^\s*\d+[.)] ", re.MULTILINE),
    "headings": re.compile(r"^#+ ", re.MULTILINE),
    "bold": re.compile(r"\*\*"),
    "code": re.compile(r"```"),
    "paragraphs": re.compile(r"\n\s*\n"),
    "lines": re.compile(r"\n"),
    "commas": re.compile(","),
    "colons": re.compile(":"),
    "exclamations": re.compile("!"),
    "questions": re.compile(r"\?"),
    "brackets": re.compile(r"[(\[]"),
    "first person": re.compile(r"\b(?:I|I'm|my|me)\b"),
    "second person": re.compile(r"\b(?:you|your)\b", re.IGNORECASE),
}
_LATIN: Final = re.compile(r"[A-Za-z]")


def phrase_likeness(answers: Sequence[str], teachers: int) -> NDArray[np.float64]:
    """Cosine over words and word pairs, each weighted by its rarity among the answers to this prompt.

    A phrase that all give to a prompt tells nothing; one that few give tells much.

    Args:
        answers: (m,) answers to one prompt, the teachers' last.
        teachers: how many teachers there are.

    Returns:
        (m - teachers, teachers) in [0, 1].
    """
    index: dict[str, int] = {}
    rows, columns = [], []
    for row, answer in enumerate(answers):
        words = _WORD.findall(answer.lower())
        for gram in {*words, *(f"{a} {b}" for a, b in pairwise(words))}:
            rows.append(row)
            columns.append(index.setdefault(gram, len(index)))
    there = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(answers), max(len(index), 1)))
    rarity = np.log((len(answers) + 1) / (there.sum(axis=0).A1 + 0.5))
    weighted = there.multiply(rarity).tocsr()
    norms = np.sqrt(weighted.multiply(weighted).sum(axis=1)).A1
    norms[norms == 0] = 1.0
    ours, theirs = weighted[:-teachers], weighted[-teachers:]
    found: NDArray[np.float64] = (ours @ theirs.T).toarray() / np.outer(norms[:-teachers], norms[-teachers:])
    return found


def makeup_likeness(answers: Sequence[str], teachers: int) -> NDArray[np.float64]:
    """Negative distance of length, layout, punctuation and address, each scaled by its spread over the answers.

    Args:
        answers: (m,) answers to one prompt, the teachers' last.
        teachers: how many teachers there are.

    Returns:
        (m - teachers, teachers), at most 0.
    """
    table = np.array([_makeup(answer) for answer in answers])
    spread = table.std(axis=0)
    table = table / np.where(spread > 0, spread, 1.0)
    gaps = table[:-teachers, None, :] - table[None, -teachers:, :]
    found: NDArray[np.float64] = -np.abs(gaps).mean(axis=-1)
    return found


def _makeup(answer: str) -> list[float]:
    words = _WORD.findall(answer)
    count = len(words) + 1
    lengths = Counter(len(word) for word in words)
    mean_length = sum(size * times for size, times in lengths.items()) / count
    latin = len(_LATIN.findall(answer)) / (len(answer) + 1)
    marks = [np.log1p(len(pattern.findall(answer))) for pattern in _MARKS.values()]
    return [np.log(count), mean_length, len(set(words)) / count, latin, *marks]
