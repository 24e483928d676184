"""The test of a suspect against a mark, from its weights or from its text."""

from collections.abc import Sequence
from typing import Any, Final

from iolaus.lm import LanguageModel, LocalModel
from iolaus.provenance.radioactivity.judge import DEFAULT, Radioactivity, Trial, judge
from iolaus.provenance.radioactivity.probe import check_unmarked, model_windows, text_windows
from iolaus.provenance.radioactivity.told import told_windows
from iolaus.provenance.radioactivity.windows import Mark

__all__ = ["radioactivity_of_model", "radioactivity_of_text", "radioactivity_of_told"]

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
    trial: Trial = DEFAULT,
) -> Radioactivity:
    """Test a suspect whose weights are open. See `model_windows` and `judge`.

    Raises:
        AccessError: suspect and reference do not share a vocabulary.
        InputError: the probing texts are too short, or carry the mark though they are said not to.
    """
    if not marked:
        check_unmarked(mark, suspect.tokenizer, probes)
    windows, positions = model_windows(mark, suspect, probes, reference, marked=marked)
    return judge(mark, windows, form="distribution", positions=positions, trial=trial, caveats=_caveats(mark, marked))


def radioactivity_of_told(
    mark: Mark,
    suspect: LanguageModel,
    tokenizer: Any,  # noqa: ANN401
    probes: Sequence[tuple[str, str]],
    reference: LocalModel | None = None,
    *,
    queries: int,
    marked: bool = False,
    trial: Trial = DEFAULT,
) -> Radioactivity:
    """Test a suspect that tells its likeliest next tokens. See `told_windows` and `judge`.

    Raises:
        AccessError: the suspect gives no top logprobs, or does not continue an answer.
        InputError: the probing texts are too short, or carry the mark though they are said not to.
    """
    if not marked:
        check_unmarked(mark, tokenizer, probes)
    windows, positions = told_windows(
        mark, suspect, tokenizer, probes, reference, queries=queries, marked=marked, seed=trial.seed
    )
    return judge(mark, windows, form="top-k", positions=positions, trial=trial, caveats=_caveats(mark, marked))


def radioactivity_of_text(
    mark: Mark,
    tokenizer: Any,  # noqa: ANN401 - transformers types no tokenizer
    answers: Sequence[tuple[str, str]],
    *,
    trial: Trial = DEFAULT,
) -> Radioactivity:
    """Test a suspect by what it writes. See `text_windows` and `judge`.

    Raises:
        InputError: the answers are too short.
    """
    windows, positions = text_windows(mark, tokenizer, answers)
    return judge(mark, windows, form="text", positions=positions, trial=trial)


def _caveats(mark: Mark, marked: bool) -> tuple[str, ...]:
    return (_SHARED_TABLE,) if marked and not mark.fresh_windows_are_independent else ()
