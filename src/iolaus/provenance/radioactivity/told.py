"""Windows of a suspect that only tells its likeliest next tokens."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from iolaus.lm import LanguageModel, LocalModel
from iolaus.lm.encode import decode_inside, encode_pair
from iolaus.provenance.radioactivity.probe import contexts_at, joined, places_to_test
from iolaus.provenance.radioactivity.windows import Mark, Windows

__all__ = ["told_windows"]

_TOP: Final = 20


def told_windows(
    mark: Mark,
    suspect: LanguageModel,
    tokenizer: Any,  # noqa: ANN401 - transformers types no tokenizer
    probes: Sequence[tuple[str, str]],
    reference: LocalModel | None = None,
    *,
    queries: int,
    marked: bool = False,
    seed: int = 0,
) -> tuple[Windows, int]:
    """What a suspect gives its likeliest tokens, less what the reference gives them, at places drawn by chance.

    The suspect is given the beginning of an answer and asked for the next token. Told tokens that are no single token
    of the mark's tokenizer are left out. None of this looks at the key.

    Args:
        mark: the mark.
        suspect: gives top logprobs and prefill.
        tokenizer: of the teacher that wrote the mark.
        probes: (prompt, answer) texts.
        reference: see `model_windows`; with the mark's tokenizer.
        queries: most places to ask about.
        marked: see `model_windows`.
        seed: of the choice of places.

    Returns:
        Windows, and the number of places that were asked about.

    Raises:
        AccessError: the suspect gives no top logprobs, or does not continue an answer.
        BudgetSpent: the suspect's own budget is smaller than ``queries``.
    """
    window = None if reference is None else reference.window
    encoded = [encode_pair(tokenizer, prompt, answer, window=window) for prompt, answer in probes]
    rows = [(*one.prompt, *one.answer) for one in encoded]
    places = places_to_test(mark, rows, marked=marked)
    asked = [(i, int(p)) for i, found in enumerate(places) for p in found if p >= len(encoded[i].prompt) - 1]
    order = np.random.default_rng(seed).permutation(len(asked))[:queries]
    chosen = sorted(asked[at] for at in order)
    known, parts, count = _tokens_by_text(tokenizer), [], 0
    bases = _bases(reference, rows, {index for index, _ in chosen})
    for index, place in chosen:
        prompt = probes[index][0]
        ids = rows[index][len(encoded[index].prompt) : place + 1]
        begun = decode_inside(tokenizer, ids)
        # Where a character or a word is cut in two, the text cannot stand for the beginning.
        if encode_pair(tokenizer, prompt, begun).answer != ids:
            continue
        count += 1
        told = {known[text]: value for text, value in suspect.next_token(prompt, begun, _TOP) if text in known}
        if not told:
            continue
        tokens = np.fromiter(told, dtype=np.int64)
        weights = np.exp(np.fromiter(told.values(), dtype=np.float64))
        if reference is not None:
            weights = weights - bases[index][place][tokens]
        contexts = contexts_at(np.asarray(rows[index]), np.full(tokens.size, place), mark.width)
        parts.append(Windows(contexts, tokens, weights))
    return joined(mark, parts), count


def _bases(reference: LocalModel | None, rows: Sequence[Sequence[int]], wanted: set[int]) -> dict[int, Any]:
    """The reference's probabilities along the rows that are asked about."""
    if reference is None:
        return {}
    chosen = sorted(wanted)
    found = reference.tables([rows[index] for index in chosen], [0] * len(chosen))
    return {chosen[at]: told.exp().double().cpu().numpy() for at, told in found}


def _tokens_by_text(tokenizer: Any) -> dict[str, int]:  # noqa: ANN401
    """Tokens by the text they stand for; texts that several tokens spell are left out."""
    found: dict[str, int] = {}
    twice = set()
    for token in tokenizer.get_vocab().values():
        text = decode_inside(tokenizer, [token])
        if text in found:
            twice.add(text)
        found[text] = token
    return {text: token for text, token in found.items() if text not in twice and text}
