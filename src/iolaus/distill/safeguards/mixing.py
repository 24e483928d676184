"""Safeguards mixed into a corpus, so that a student goes on refusing what its teacher refuses.

A file of prompts with the answers that are wanted: refusals to harmful prompts, and, against over-refusal, helpful
answers to safe prompts that only look harmful. They are strewn evenly through the corpus as a fixed share of it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from iolaus.distill.plan import Corpus
from iolaus.distill.texts import Document, read_documents
from iolaus.errors import InputError

__all__ = ["mix_safeguards", "read_safeguards"]


def read_safeguards(path: Path, prompt: str = "prompt", response: str = "response") -> list[Document]:
    """Documents of a safeguards file (JSON Lines or Parquet).

    Raises:
        InputError: the file cannot be read, or a row lacks its prompt or its response.
    """
    documents = read_documents(path, Corpus(prompt=prompt, response=response))
    for row, document in enumerate(documents, 1):
        if not document.prompt.strip() or not document.response.strip():
            raise InputError(f"safeguards {path}, row {row}: needs both {prompt!r} and {response!r}")
    return documents


def mix_safeguards(
    documents: Sequence[Document], safeguards: Sequence[Document], share: float, seed: int = 0
) -> list[Document]:
    """The corpus with safeguards strewn into it.

    Args:
        documents: the corpus, kept whole and in its order.
        safeguards: each comes equally often, give or take one; too few are repeated, of too many a part is drawn.
        share: share of the mixture that the safeguards make up, in [0, 1).
        seed: decides which come where.

    Raises:
        InputError: the share is out of range, or there is nothing to mix in.
    """
    if not 0 <= share < 1 or (share > 0 and not safeguards):
        raise InputError(f"a share of {share} of {len(safeguards)} safeguards cannot be mixed in")
    count = round(len(documents) * share / (1 - share))
    if not count:
        return list(documents)
    rng = np.random.default_rng(seed)
    rounds = [rng.permutation(len(safeguards)) for _ in range(-(-count // len(safeguards)))]
    chosen = np.concatenate(rounds)[:count]
    # One safeguard in each of equal stretches, at a random place of it, so that every part of training sees some.
    stretch = len(documents) / count
    places = np.minimum((np.arange(count) + rng.random(count)) * stretch, len(documents)).astype(int)
    mixed: list[Document] = []
    before = 0
    for place, which in zip(places, chosen, strict=True):
        mixed += documents[before:place]
        mixed.append(safeguards[which])
        before = int(place)
    return mixed + list(documents[before:])
