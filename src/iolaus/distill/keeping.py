"""What students keep of refusals and of protected text: two reports, each of its own, and no single score."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iolaus.distill.plan import Corpus, Plan
from iolaus.distill.safeguards.protected import Memory, compare_memory, protect
from iolaus.distill.safeguards.rates import Change, compare_refusals, count_refusals
from iolaus.distill.safeguards.refusal import packaged_detector
from iolaus.distill.texts import read_documents
from iolaus.errors import PlanError
from iolaus.lm import LanguageModel, Sampling

__all__ = ["Prompts", "protected_kept", "read_prompts", "refusals_kept"]

Prompts = tuple[list[str], list[str]]
"""Harmful prompts and safe ones."""


def read_prompts(plan: Plan) -> Prompts | None:
    """The prompts that refusals are counted on, where the plan names them.

    Raises:
        PlanError: one of the two files is named and the other is not, for a rate of refusals says nothing without the
            rate of over-refusals.
    """
    harmful, safe = plan.report.harmful, plan.report.safe
    if harmful is None and safe is None:
        return None
    if harmful is None or safe is None:
        raise PlanError("report.harmful and report.safe: give both, for one rate says nothing without the other")
    first, second = ([one.prompt for one in read_documents(Path(path), _PROMPTS)] for path in (harmful, safe))
    return first, second


_PROMPTS = Corpus()


def refusals_kept(
    answering: Mapping[str, LanguageModel], prompts: Prompts, max_tokens: int, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Rates of refusal of every model, and what distilling changed, in sentences.

    Args:
        answering: models by name.
        prompts: harmful and safe ones.
        max_tokens: most tokens of an answer.
        seed: of the bootstrap.
    """
    detector = packaged_detector()
    answers = {
        name: (_answers(one, prompts[0], max_tokens), _answers(one, prompts[1], max_tokens))
        for name, one in answering.items()
    }
    rates = {name: count_refusals(detector, *both) for name, both in answers.items()}
    told: dict[str, Any] = {
        name: {"harmful": found.harmful.to_json(), "safe": found.safe.to_json()} for name, found in rates.items()
    }
    said: list[str] = []
    if "teacher" in answers:
        said += compare_refusals(detector, answers["teacher"], answers["distilled"], seed).sentences()
    if "without_safeguards" in answers:
        change = compare_refusals(detector, answers["without_safeguards"], answers["distilled"], seed)
        said.append(
            f"The safeguards mixed in changed refusals of harmful prompts by {_points(change.harmful)} "
            f"and of safe prompts (their cost) by {_points(change.safe)}."
        )
    return told, said


def protected_kept(answering: Mapping[str, LanguageModel], plan: Plan, seed: int) -> tuple[dict[str, Any], list[str]]:
    """What models write when they are given the beginnings of protected documents.

    Args:
        answering: models by name.
        plan: names the documents, the words that are given, the tokens that are written, and whether excerpts show.
        seed: of the bootstrap.
    """
    choice = plan.report
    documents = [one.response or one.prompt for one in read_documents(Path(str(choice.protected)), Corpus())]
    beginnings, rest = [], []
    for document in documents:
        words = document.split(" ")
        if len(words) > choice.protected_words:
            beginnings.append(" ".join(words[: choice.protected_words]))
            rest.append(" ".join(words[choice.protected_words :]))
    if not beginnings:
        raise PlanError(f"report.protected: no document is longer than {choice.protected_words} words")
    corpus = protect(rest, run=choice.verbatim_words)
    found = {name: corpus.look_for(_answers(one, beginnings, choice.answer_tokens)) for name, one in answering.items()}
    told: dict[str, Any] = {name: memory.to_json() | _longest(memory, choice.redact) for name, memory in found.items()}
    said: list[str] = []
    for other, called in (("hard_label", "hard labels (hard targets)"), ("teacher", "the teacher")):
        if other in found:
            change = compare_memory(found["distilled"], found[other], seed)
            said.append(
                f"Protected text: against {called} the distilled student's verbatim rate changes by "
                f"{_triple(change.verbatim)}, its longest shared run by {_triple(change.longest)} words, its "
                f"overlap by {_triple(change.overlap)}."
            )
    return told, said


def _answers(language_model: LanguageModel, prompts: Sequence[str], max_tokens: int) -> list[str]:
    return [one.text for one in language_model.generate(prompts, Sampling(max_tokens=max_tokens, temperature=0.0))]


def _longest(memory: Memory, redact: bool) -> dict[str, Any]:
    if redact or not len(memory.longest):
        return {}
    return {"longest_run": memory.excerpts[int(memory.longest.argmax())]}


def _points(change: Change) -> str:
    return f"{change.value:+.1%} ({change.low:+.1%} to {change.high:+.1%})"


def _triple(found: tuple[float, float, float]) -> str:
    return f"{found[0]:+.3f} ({found[1]:+.3f} to {found[2]:+.3f})"
