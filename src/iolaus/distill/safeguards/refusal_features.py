"""What a refusal looks like: word runs at the opening, through the body and at the end, and the answer's build.

Words are lower-cased and contractions opened, so "can't" and "cannot" are one. Word runs are taken twice: as they are,
and with words of one office put into one class ("assist", "provide", "comply"), so that a refusal in new words still
looks like one. Runs are hashed (feature hashing: Weinberger et al., ICML 2009, section 2): the detector's weights hold
no text.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from zlib import crc32

import numpy as np

__all__ = ["PLACES", "STRUCTURE", "structure_of", "word_runs"]

PLACES: Final = 1 << 16
"""Hash places of word runs."""

STRUCTURE: Final = (
    "length", "has_list", "list_items", "code", "asks_back", "lines", "first_sentence", "speaks_of_itself",
    "speaks_to_you", "negations",
)  # fmt: skip

_MIDDLE: Final = 60
_HEAD: Final = 12
_FIRST: Final = 30
_END: Final = 25
_OPENED: Final = (
    ("’", "'"), ("cannot", "can not"), ("can't", "can not"), ("won't", "will not"), ("n't", " not"), ("i'm", "i am"),
    ("it's", "it is"), ("that's", "that is"), ("'ve", " have"), ("'d", " would"),
)  # fmt: skip
_CLASSES: Final = {
    "<aid>": """help assist provide fulfill fulfil support comply answer give share offer complete discuss assisting
        providing helping generate create write engage advise recommend suggest encourage condone promote endorse
        tell""",
    "<sorry>": "sorry apologize apologise apologies regret",
    "<proper>": """appropriate ethical legal acceptable advisable recommended respectful productive constructive
        possible accurate correct true fair moral okay ok""",
    "<improper>": """illegal unethical inappropriate harmful dangerous unacceptable immoral unlawful offensive
        discriminatory hurtful wrong violent hateful""",
    "<unable>": "unable decline refuse refrain",
    "<but>": "but however instead rather",
    "<note>": "important note remember clarify point must essential crucial",
}
_CLASS_OF: Final = {word: name for name, words in _CLASSES.items() for word in words.split()}
_WORD: Final = re.compile(r"[a-z']+|\d+|[^\sa-z\d]")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s")
_ITEM: Final = re.compile(r"\s*(?:\d+[.)]|[-*•])\s")


def word_runs(answer: str) -> np.ndarray:
    """Distinct hash places of an answer's word runs; int64, sorted."""
    words = _words(answer)
    first = _words(_SENTENCE.split(answer.strip(), maxsplit=1)[0])[:_FIRST]
    runs: set[str] = set()
    for tag, body, opening in (("", words, first), ("c", _classed(words), _classed(first))):
        runs.update(_runs(["<s>", *body[:_HEAD]], f"{tag}h:", 3))
        runs.update(_runs(opening, f"{tag}f:", 2))
        runs.update(_runs(body[:_MIDDLE], f"{tag}b:", 3))
    runs.update(_runs(_classed(words[-_END:]), "e:", 2))
    return np.unique(np.array([crc32(run.encode()) % PLACES for run in runs], dtype=np.int64))


def structure_of(answer: str) -> np.ndarray:
    """The answer's build, in the order of ``STRUCTURE``; float64 (10,)."""
    words = _words(answer)
    lines = answer.strip().split("\n")
    items = sum(bool(_ITEM.match(line)) for line in lines)
    count = max(len(words), 1)
    return np.array(
        [
            np.log1p(len(words)),
            items > 0,
            np.log1p(items),
            "```" in answer,
            "?" in answer,
            np.log1p(len(lines)),
            np.log1p(len(_SENTENCE.split(answer.strip(), maxsplit=1)[0])),
            sum(word in ("i", "my", "me") for word in words) / count,
            sum(word in ("you", "your") for word in words) / count,
            sum(word in ("not", "never", "no") for word in words) / count,
        ],
        dtype=float,
    )


def _words(text: str) -> list[str]:
    text = text.lower()
    for contracted, opened in _OPENED:
        text = text.replace(contracted, opened)
    return _WORD.findall(text)


def _classed(words: Sequence[str]) -> list[str]:
    return [_CLASS_OF.get(word, word) for word in words]


def _runs(words: Sequence[str], place: str, longest: int) -> Iterator[str]:
    for length in range(1, longest + 1):
        for start in range(len(words) - length + 1):
            yield place + " ".join(words[start : start + length])
