"""The test of a suspect against a mark, from its weights or from its text."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from iolaus.lm import LocalModel
from iolaus.provenance.radioactivity.judge import DECOYS, Radioactivity, judge
from iolaus.provenance.radioactivity.probe import check_unmarked, model_windows, text_windows
from iolaus.provenance.radioactivity.windows import Mark

__all__ = ["radioactivity_of_model", "radioactivity_of_text"]

_SHARED_TABLE: Final = (
    "The probing texts carry the mark and its windows share one table: the bound takes windows that were not yet used "
    "for independent of those that were, which is an approximation here."
)


def radioactivity_of_model(
    mark: Mark,
    suspect: LocalModel,
    probes: Sequence[tuple[str, str]],
    reference: LocalModel | None = None,
    *,
    marked: bool = False,
    alpha: float = 1e-6,
    decoys: int = DECOYS,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> Radioactivity:
    """Test a suspect whose weights are open. See `model_windows` and `judge`.

    Raises:
        AccessError: suspect and reference do not share a vocabulary.
        InputError: the probing texts are too short, or carry the mark though they are said not to.
    """
    if not marked:
        check_unmarked(mark, suspect.tokenizer, probes)
    windows, positions = model_windows(mark, suspect, probes, reference, marked=marked)
    caveats = (_SHARED_TABLE,) if marked and not mark.fresh_windows_are_independent else ()
    return judge(
        mark,
        windows,
        form="distribution",
        positions=positions,
        alpha=alpha,
        decoys=decoys,
        seed=seed,
        caveats=caveats,
        progress=progress,
    )


def radioactivity_of_text(
    mark: Mark,
    tokenizer: Any,  # noqa: ANN401 - transformers types no tokenizer
    answers: Sequence[tuple[str, str]],
    *,
    alpha: float = 1e-6,
    decoys: int = DECOYS,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> Radioactivity:
    """Test a suspect by what it writes. See `text_windows` and `judge`.

    Raises:
        InputError: the answers are too short.
    """
    windows, positions = text_windows(mark, tokenizer, answers)
    return judge(
        mark, windows, form="text", positions=positions, alpha=alpha, decoys=decoys, seed=seed, progress=progress
    )
