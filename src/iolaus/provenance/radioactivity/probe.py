"""From models and texts to weighted windows."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from iolaus.errors import AccessError, InputError
from iolaus.lm import LocalModel
from iolaus.lm.encode import encode_pair
from iolaus.provenance.radioactivity.windows import Ints, Mark, Windows, excess, first_of_each, merged, numbered

if TYPE_CHECKING:
    import torch

__all__ = ["check_unmarked", "contexts_at", "joined", "model_windows", "places_to_test", "text_windows"]

# The rest of a surplus is spread thinly over tokens that both models think unlikely.
_KEPT: Final = 128
_SUSPICIOUS: Final = 1e-3


def model_windows(
    mark: Mark,
    suspect: LocalModel,
    probes: Sequence[tuple[str, str]],
    reference: LocalModel | None = None,
    *,
    marked: bool = False,
) -> tuple[Windows, int]:
    """What a suspect gives more than its reference, at every place of the probing texts.

    Only the tokens with the largest surplus are kept at each place, which does not look at the key.

    Args:
        mark: the mark.
        suspect: open weights, with the tokenizer of the teacher that wrote the mark.
        probes: (prompt, answer) texts.
        reference: a model like the suspect that never saw marked text, such as its base; it takes away what is no
            effect of the mark, and costs no validity where it fits badly. None stands for a flat zero.
        marked: the probing texts carry the mark. Then only the first place of each seed is used: what comes
            before it was written without a look at its G, so the weighted sum is a martingale over places, and
            the chance bound still holds. Unmarked texts use every place.

    Returns:
        Windows, and the number of places that were used.

    Raises:
        AccessError: suspect and reference do not share a vocabulary.
    """
    if reference is not None and reference.tokenizer.get_vocab() != suspect.tokenizer.get_vocab():
        raise AccessError(
            f"{suspect.name} and {reference.name} have different vocabularies, so their probabilities cannot be "
            "compared; test the suspect's text instead"
        )
    windows = [source.window for source in (suspect, reference) if source is not None and source.window is not None]
    rows = [_ids(suspect, prompt, answer)[: min(windows, default=None)] for prompt, answer in probes]
    places = places_to_test(mark, rows, marked=marked)
    parts: list[Windows] = []
    for (index, told), base in zip(_tables(suspect, rows), _bases(reference, rows), strict=True):
        chosen = places[index]
        if not chosen.size:
            continue
        surplus = told[chosen].exp()
        if base is not None:
            width = min(surplus.shape[1], base[1].shape[1])
            surplus = surplus[:, :width] - base[1][chosen][:, :width].exp()
        best = surplus.abs().topk(min(_KEPT, surplus.shape[1]), dim=1).indices
        contexts = contexts_at(np.asarray(rows[index]), chosen, mark.width)
        weights = surplus.gather(1, best).double().cpu().numpy().ravel()
        parts.append(Windows(contexts.repeat(best.shape[1], axis=0), best.cpu().numpy().ravel(), weights))
        if len(parts) >= 256:
            parts = [merged(mark, joined(mark, parts))]
    return joined(mark, parts), int(sum(chosen.size for chosen in places))


def text_windows(mark: Mark, tokenizer: Any, answers: Sequence[tuple[str, str]]) -> tuple[Windows, int]:  # noqa: ANN401
    """The distinct windows that a suspect wrote, each once, without those that stand in any of its prompts.

    A repeated phrase repeats its G, and a copied prompt may carry the mark itself: counted again, either would
    accuse the innocent.

    Args:
        mark: the mark.
        tokenizer: of the teacher that wrote the mark; the suspect's own does not matter.
        answers: (prompt, the suspect's answer).

    Returns:
        Windows, and the number of tokens the suspect wrote.
    """
    given, written = [], []
    for prompt, answer in answers:
        one = encode_pair(tokenizer, prompt, answer)
        given.append(_along(mark, np.asarray(one.prompt), 1))
        written.append(_along(mark, np.asarray([*one.prompt, *one.answer]), len(one.prompt)))
    theirs, count = joined(mark, written), sum(map(len, written))
    everything = joined(mark, [*given, theirs])
    first = first_of_each(numbered(everything))
    return everything.take(first[first >= len(everything) - len(theirs)]), count


def check_unmarked(mark: Mark, tokenizer: Any, probes: Sequence[tuple[str, str]]) -> None:  # noqa: ANN401
    """Refuse probing texts that carry the mark themselves.

    Raises:
        InputError: their own tokens lean towards the key.
    """
    rows = [_along(mark, np.asarray(_encoded(tokenizer, *probe)), 1) for probe in probes]
    found = joined(mark, rows)
    found = found.take(first_of_each(numbered(found)))
    found = merged(mark, found.take(mark.usable(found.contexts)))
    if not len(found):
        return
    chance = mark.law(found).tail(excess(mark, found))
    if chance < _SUSPICIOUS:
        raise InputError(
            f"the probing texts carry the mark themselves (chance {chance:.1g}); say that they are marked, "
            "or take texts that were not written by the teacher"
        )


def _encoded(tokenizer: Any, prompt: str, answer: str) -> tuple[int, ...]:  # noqa: ANN401
    one = encode_pair(tokenizer, prompt, answer)
    return (*one.prompt, *one.answer)


def _ids(suspect: LocalModel, prompt: str, answer: str) -> tuple[int, ...]:
    one = suspect.encode(prompt, answer)
    return (*one.prompt, *one.answer)


def places_to_test(mark: Mark, rows: Sequence[Sequence[int]], *, marked: bool) -> list[Ints]:
    """Positions of each row whose context is whole and whose G varies; of marked rows the first of each seed only."""
    places = [_places(mark, row) for row in rows]
    return _first_places(mark, rows, places) if marked else places


def _places(mark: Mark, row: Sequence[int]) -> Ints:
    """Positions whose context is whole and whose G varies with the key."""
    places = np.arange(mark.width - 1, len(row), dtype=np.int64)
    return places[mark.usable(contexts_at(np.asarray(row), places, mark.width))] if places.size else places


def _first_places(mark: Mark, rows: Sequence[Sequence[int]], places: Sequence[Ints]) -> list[Ints]:
    """Of all positions, the first of each seed."""
    contexts = [contexts_at(np.asarray(row), chosen, mark.width) for row, chosen in zip(rows, places, strict=True)]
    fresh = np.zeros(sum(map(len, contexts)), dtype=bool)
    fresh[first_of_each(mark.seeds(np.concatenate(contexts)))] = True
    ends = np.cumsum([len(part) for part in contexts])
    return [chosen[part] for chosen, part in zip(places, np.split(fresh, ends[:-1]), strict=True)]


def contexts_at(row: Ints, places: Ints, width: int) -> Ints:
    """(n, width) the tokens up to and including each position."""
    found: Ints = row.astype(np.int64)[places[:, None] + np.arange(1 - width, 1)]
    return found


def _along(mark: Mark, row: Ints, start: int) -> Windows:
    """A text's own windows, from the token at ``start`` on, each with weight 1."""
    places = np.arange(max(mark.width, start), len(row), dtype=np.int64)
    return Windows(contexts_at(row, places - 1, mark.width), row[places].astype(np.int64), np.ones(places.size))


def joined(mark: Mark, parts: Sequence[Windows]) -> Windows:
    """Several as one."""
    if not parts:
        return Windows(np.empty((0, mark.width), np.int64), np.empty(0, np.int64), np.empty(0))
    return Windows(
        np.concatenate([part.contexts for part in parts]),
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def _tables(source: LocalModel, rows: Sequence[Sequence[int]]) -> "Iterator[tuple[int, torch.Tensor]]":
    return source.tables(rows, [0] * len(rows))


def _bases(reference: LocalModel | None, rows: Sequence[Sequence[int]]) -> "Iterator[tuple[int, torch.Tensor] | None]":
    """The reference's tables in the suspect's order, for both sort rows by length alone."""
    if reference is None:
        yield from [None] * len(rows)
    else:
        yield from _tables(reference, rows)
