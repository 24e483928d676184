"""Where a prompt's tokens end and an answer's begin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from iolaus.errors import AnswerError, ModelError

__all__ = ["Encoded", "chat_prompt", "decode_inside", "encode_pair", "encode_prompt"]

# More unknown tokens than this, and it is the wrong tokenizer.
_MOST_UNKNOWN: Final = 0.1
_ANCHOR: Final = "\n"
_LETTER: Final = "a"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a prompt and of an answer to it.

    Args:
        prompt: ids the model is given; at least one.
        answer: ids the model would have had to write.
        straddles: the first id of the answer also holds the prompt's last characters, for the tokenizer joined them.
        truncated: the answer's end was cut off to fit the context window.
    """

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    straddles: bool = False
    truncated: bool = False


def chat_prompt(tokenizer: Any, prompt: str, begun: str = "") -> str:  # noqa: ANN401 - transformers types no tokenizer
    """The prompt as the user's message in the tokenizer's chat template, up to where the answer begins.

    Raises:
        ModelError: the tokenizer has no chat template, or the template fails.
    """
    try:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
    except Exception as error:  # the template is a program of its own and raises what it likes
        raise ModelError(f"the tokenizer's chat template cannot be used: {error}") from error
    return str(text) + begun


def encode_prompt(tokenizer: Any, prompt: str, *, templated: bool = False) -> tuple[int, ...]:  # noqa: ANN401
    """Ids of a prompt with the tokenizer's own marks before it and none behind it.

    Args:
        tokenizer: a transformers tokenizer.
        prompt: text.
        templated: the text comes from a chat template and already holds its marks.

    Raises:
        ModelError: the prompt is empty and the tokenizer has no mark to begin with.
    """
    ids = list(tokenizer.encode(prompt, add_special_tokens=not templated))
    # Some tokenizers close every text; a model that reads the end of text would begin a new one.
    if ids and not prompt.endswith(str(tokenizer.eos_token or "\0")):
        while len(ids) > 1 and ids[-1] == tokenizer.eos_token_id:
            ids.pop()
    if not ids:
        first = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        if first is None:
            raise ModelError("an empty prompt cannot be scored: the tokenizer has no token to begin a text with")
        ids = [first]
    return tuple(ids)


def encode_pair(
    tokenizer: Any,  # noqa: ANN401
    prompt: str,
    answer: str,
    *,
    window: int | None = None,
    templated: bool = False,
) -> Encoded:
    """Ids of a prompt and of the answer behind it.

    The two are encoded together, and the answer is what follows the prompt's own ids: so the answer's tokens are those
    that a model trained on the joined text saw. Where the tokenizer joins the prompt's last and the answer's first
    characters into one token, the answer is encoded alone, which is what a model that was given the prompt's ids
    would write.

    Args:
        tokenizer: a transformers tokenizer.
        prompt: text.
        answer: text.
        window: most ids in all; the answer's end is cut off to fit.
        templated: see `encode_prompt`.

    Raises:
        AnswerError: the prompt alone fills the window, or the tokenizer does not know the answer's characters.
    """
    before = encode_prompt(tokenizer, prompt, templated=templated)
    joined = encode_prompt(tokenizer, prompt + answer, templated=templated) if prompt + answer else before
    behind = joined[len(before) :] if joined[: len(before)] == before and prompt else _alone(tokenizer, answer)
    unknown = tokenizer.unk_token_id
    if unknown is not None and behind and behind.count(unknown) > _MOST_UNKNOWN * len(behind):
        raise AnswerError(
            f"the tokenizer does not know {behind.count(unknown)} of an answer's {len(behind)} tokens: "
            "it is not the tokenizer of a model for this text"
        )
    room = len(behind) if window is None else window - len(before)
    if room <= 0 < len(behind):
        raise AnswerError(f"a prompt of {len(before)} tokens leaves no room for an answer in a window of {window}")
    return Encoded(before, behind[:room], truncated=room < len(behind))


def decode_inside(tokenizer: Any, ids: Sequence[int]) -> str:  # noqa: ANN401
    """The text of ids that stand inside a text, with the space they may begin with; special tokens are left out.

    Decoded behind another token, for alone a sentencepiece text loses its first space.
    """
    anchor = tokenizer.encode(_LETTER, add_special_tokens=False)
    alone, together = (
        tokenizer.decode(some, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        for some in (anchor, [*anchor, *ids])
    )
    return str(together[len(alone) :])


def _alone(tokenizer: Any, answer: str) -> tuple[int, ...]:  # noqa: ANN401
    """Ids of an answer by itself, without the space that some tokenizers put before every text."""
    anchor = list(tokenizer.encode(_ANCHOR, add_special_tokens=False))
    anchored = list(tokenizer.encode(_ANCHOR + answer, add_special_tokens=False))
    if anchor and anchored[: len(anchor)] == anchor:
        return tuple(anchored[len(anchor) :])
    return tuple(tokenizer.encode(answer, add_special_tokens=False))
