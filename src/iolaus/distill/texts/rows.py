"""Documents as rows of token ids, with a mark on every token that the student learns to predict."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iolaus.distill.plan import Corpus
from iolaus.distill.texts.documents import Document
from iolaus.distill.untyped import Tokenizer
from iolaus.errors import InputError, PlanError

__all__ = ["Encoded", "Rows", "encode_document", "make_rows"]

_SEPARATOR = "\n\n"


@dataclass(frozen=True, slots=True)
class Encoded:
    """One document's tokens.

    Args:
        ids: token ids, the closing one included.
        learned_from: index of the first token that counts.
        head: tokens of the prompt, whether they count or not.
    """

    ids: list[int]
    learned_from: int
    head: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows.

    Args:
        ids: (n, block) int32 token ids.
        learned: (n, block) bool: the token counts as a target; a row's first token never does.
        origins: (n, block) int64 place among the tokens of all documents, in their order; -1 for filling.
    """

    ids: NDArray[np.int32]
    learned: NDArray[np.bool_]
    origins: NDArray[np.int64]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.ids)

    def spread(self, count: int) -> NDArray[np.int64]:
        """Numbers of so many rows, or of all where they are fewer, spread evenly."""
        return np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64))

    @property
    def digest(self) -> str:
        """SHA-256 over ids and marks: what a teacher's cache belongs to."""
        found = hashlib.sha256(repr(self.ids.shape).encode())
        found.update(np.ascontiguousarray(self.ids).tobytes())
        found.update(np.ascontiguousarray(self.learned).tobytes())
        return found.hexdigest()


def encode_document(tokenizer: Tokenizer, document: Document, corpus: Corpus) -> Encoded:
    """Token ids of a document, closed with the end-of-text token.

    Prompt and response are encoded apart, so that the boundary is a boundary of tokens.

    Raises:
        PlanError: the chat template is asked for and the tokenizer has none, or there is no end-of-text token.
    """
    end = tokenizer.eos_token_id
    if end is None:
        raise PlanError("the tokenizer has no end-of-text token")
    head: list[int] = []
    if document.prompt:
        text = _templated(tokenizer, document.prompt) if corpus.template == "chat" else document.prompt + _SEPARATOR
        head = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    tail = list(tokenizer(document.response, add_special_tokens=False)["input_ids"])
    return Encoded([*head, *tail, end], len(head) if corpus.learn == "response" else 0, len(head))


def make_rows(encoded: Sequence[Encoded], corpus: Corpus, end: int) -> Rows:
    """Rows of ``corpus.block`` tokens: packed documents end to end, or one document a row, cut or filled with ``end``.

    Raises:
        InputError: there is not one row, or no token counts.
    """
    if corpus.block < 2:
        raise PlanError("corpus.block must be at least 2, for the first token of a row predicts nothing")
    flat = np.fromiter((i for document in encoded for i in document.ids), dtype=np.int32)
    starts = np.cumsum([0, *(len(document.ids) for document in encoded)])
    marks = np.concatenate([np.arange(len(one.ids)) >= one.learned_from for one in encoded] or [np.zeros(0, bool)])
    if corpus.pack:
        origins = np.arange(len(flat) // corpus.block * corpus.block).reshape(-1, corpus.block)
    else:
        origins = starts[:-1, None] + np.arange(corpus.block)
        origins = np.where(origins < starts[1:, None], origins, -1)
    filled = origins >= 0
    ids = np.where(filled, flat[origins], end).astype(np.int32)
    learned = filled & marks[origins]
    learned[:, 0] = False
    kept = learned.any(axis=1)
    if not kept.any():
        raise InputError(f"the corpus gives no row of {corpus.block} tokens with a token to learn; lower corpus.block")
    return Rows(ids[kept], learned[kept], origins[kept].astype(np.int64))


def _templated(tokenizer: Tokenizer, prompt: str) -> str:
    from iolaus.errors import ModelError
    from iolaus.lm.encode import chat_prompt

    try:
        return chat_prompt(tokenizer, prompt)
    except ModelError as error:
        raise PlanError(f"corpus.template is chat: {error}") from error
