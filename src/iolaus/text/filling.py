"""What an account's prompts say beyond what it always says."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

__all__ = ["without_habits"]

_WORD: Final = re.compile(
    r"[^\W\d_\u0e00-\u0eff\u3040-\u9fff\uac00-\ud7a3]+|[\u0e00-\u0eff\u3040-\u9fff\uac00-\ud7a3]{1,2}"
)
_WORDS: Final = 250
_HABIT: Final = 0.5
_LEAST: Final = 4


def without_habits(texts: Sequence[str], owners: Sequence[int]) -> list[str]:
    """Texts without the words that their owner puts into at least half of them.

    An account's own template, or its own paraphrase of a shared one, would otherwise pass for its subject. Owners with
    fewer than four texts keep all their words.

    Args:
        texts: n prompts.
        owners: n owners, in any order.

    Returns:
        n texts of lower-case words joined by blanks.
    """
    words = [_WORD.findall(text.lower())[:_WORDS] for text in texts]
    seen: dict[int, Counter[str]] = {}
    count: Counter[int] = Counter(owners)
    for owner, said in zip(owners, words, strict=True):
        seen.setdefault(owner, Counter()).update(set(said))
    habits = {
        owner: {word for word, n in counts.items() if n >= _HABIT * count[owner]}
        for owner, counts in seen.items()
        if count[owner] >= _LEAST
    }
    none: set[str] = set()
    return [
        " ".join(word for word in said if word not in habits.get(owner, none))
        for owner, said in zip(owners, words, strict=True)
    ]
