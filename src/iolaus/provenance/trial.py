"""Asking the suspect and the references about the exchanges, and opening the coins afterwards."""

from collections.abc import Mapping, Sequence
from math import log
from typing import Final

import numpy as np

from iolaus.errors import AnswerError, InputError
from iolaus.lm import Access, LanguageModel, check_repeatability
from iolaus.provenance.betting import log_fortune
from iolaus.provenance.calibrate import FULL, calibrate
from iolaus.provenance.exact import null_total, served_points
from iolaus.provenance.likeness import Likeness
from iolaus.provenance.plan import LENGTH, Plan
from iolaus.provenance.scoring import Scoring, Way, best_way, queries_each, score_candidates
from iolaus.provenance.suspect import Suspect
from iolaus.provenance.vault import TwinExchange, Vault
from iolaus.provenance.verdict import Tried

__all__ = ["check_sound", "try_suspect", "two_sided"]

_CHECKED: Final = 8
_ORDERED_WORDS: Final = 4
# Nats by which an honest endpoint's score of one answer may differ from call to call (batching changes rounding).
_TOLERANCE: Final = 0.05


def try_suspect(
    vault: Vault, suspect: Suspect, references: Mapping[str, LanguageModel], plan: Plan, *, steady: bool
) -> Tried:
    """Score what the plan names, batch by batch, and open each batch's coins when its points are fixed.

    Args:
        vault: holds the exchanges.
        suspect: the model on trial.
        references: by name.
        plan: registered.
        steady: refuse a suspect whose scores differ when asked again.

    Raises:
        ModelError: a model does not give what the plan needs, or gives what cannot be.
        InputError: no exchange could be scored.
    """
    order = {seq: place for place, seq in enumerate(plan.chosen())}
    found = [e for e in vault.exchanges(plan.seal.size) if e.seq in order]
    rows = sorted(found, key=lambda e: order[e.seq])
    likeness = Likeness(c for e in rows for c in e.candidates)
    if suspect.language_model.access & (Access.WEIGHTS | Access.ECHO):
        check_sound(suspect.language_model, rows[:_CHECKED], steady=steady)
    asked = _Asked(suspect, references, plan, likeness)
    points, served = np.zeros((0, plan.candidates), np.int64), np.zeros(0, np.int64)
    weights: dict[str, float] = {}
    for low in range(0, len(rows), plan.batch):
        asked.ask(rows[low : low + plan.batch])
        if len(asked.kept) == len(points):
            continue
        references_now = {name: asked.scores[name] for name in plan.references}
        fitted = calibrate(asked.scores["suspect"], references_now)
        points = np.concatenate([points, fitted.points[len(points) :]])
        weights = fitted.weights
        served = np.concatenate([served, vault.served([e.seq for e in asked.kept[len(served) :]])])
        if plan.decide == "e_value" and log_fortune(points, served, FULL) >= -log(plan.alpha):
            break
    if not len(points):
        raise InputError(f"none of the {len(rows)} exchanges could be scored: {next(iter(asked.left_out.values()))}")
    never = _never_served(vault, plan, asked) if plan.grade == "B" else {}
    kept = tuple(asked.kept[: len(points)])
    scores = {name: table[: len(points)] for name, table in asked.scores.items()}
    return Tried(kept, scores, points, served, asked.left_out, weights, never, asked.queries)


def check_sound(language_model: LanguageModel, rows: Sequence[TwinExchange], *, steady: bool = True) -> None:
    """Refuse a model that does not repeat itself, or whose tokenizer cannot be its own.

    A model that reads tokens as they were meant finds an answer likelier than the same words in reverse order.

    Args:
        language_model: gives log-likelihoods of whole answers.
        rows: exchanges to ask about.
        steady: refuse scores that differ when asked again.

    Raises:
        AnswerError: says which of the two it is.
    """
    if steady:
        check_repeatability(language_model, [(e.prompt, e.candidates[0]) for e in rows], tolerance=_TOLERANCE).require()
    told = [(e.prompt, c) for e in rows for c in e.candidates if len(set(c.split())) >= _ORDERED_WORDS]
    if len(told) < _CHECKED:
        return
    reversed_words = [(prompt, " ".join(reversed(answer.split()))) for prompt, answer in told]
    scored = language_model.score([*told, *reversed_words])
    if not np.isfinite([one.total for one in scored]).all():
        raise AnswerError(f"{language_model.name} scores an answer with a number that is none")
    gains = [plain.total - back.total for plain, back in zip(scored, scored[len(told) :], strict=False)]
    if sum(gain > 0 for gain in gains) < 0.75 * len(gains):
        raise AnswerError(
            f"{language_model.name} does not find answers likelier than their words in reverse order "
            f"({sum(gain > 0 for gain in gains)} of {len(gains)}); its tokenizer is probably not its own"
        )


def two_sided(points: np.ndarray, served: np.ndarray) -> float:
    """Chance that fair coins give a total as far from its mean on either side."""
    total, law = int(served_points(points, served).sum()), null_total(points)
    upper, lower = float(law.p_value(total)), 1 - float(law.p_value(total + 1))
    return min(1.0, 2 * min(upper, lower))


class _Asked:
    """Scores so far, by name, of the exchanges that every model could score."""

    def __init__(
        self, suspect: Suspect, references: Mapping[str, LanguageModel], plan: Plan, likeness: Likeness
    ) -> None:
        self._models = {"suspect": suspect.language_model, **references}
        self._plan, self._likeness = plan, likeness
        self.kept: list[TwinExchange] = []
        self.left_out: dict[int, str] = {}
        self.scores = {name: np.zeros((0, plan.candidates)) for name in ("suspect", *plan.references)}
        self.queries = 0

    def ask(self, rows: Sequence[TwinExchange]) -> None:
        """Add some exchanges; what a model cannot score is left out, for a reason that knows no coin."""
        fresh = {}
        for name, language_model in self._models.items():
            found = score_candidates(language_model, rows, self._way_of(name, language_model), self._likeness)
            fresh[name] = found.values
            for row, reason in found.unusable.items():
                self.left_out[rows[row].seq] = reason
        self.queries += queries_each(self._plan.scoring, self._plan.candidates) * len(rows)
        fresh[LENGTH] = np.array([[float(len(c)) for c in e.candidates] for e in rows])
        usable = [index for index, e in enumerate(rows) if e.seq not in self.left_out]
        self.kept += [rows[index] for index in usable]
        for name, table in fresh.items():
            self.scores[name] = np.concatenate([self.scores[name], table[usable]])

    def _way_of(self, name: str, language_model: LanguageModel) -> Scoring:
        """The plan's way where a reference can go it, else the best that it can."""
        plain = self._plan.scoring
        needs = {
            Way.LIKELIHOOD: Access.ECHO,
            Way.WALK: Access.TOP_K | Access.PREFILL,
            Way.FIRST_TOKEN: Access.TOP_K,
            Way.PREFILL: Access.PREFILL,
            Way.TEXT: Access.TEXT,
        }[plain.way]
        able = needs in language_model.access or (
            plain.way is Way.LIKELIHOOD and Access.WEIGHTS in language_model.access
        )
        if name == "suspect" or able:
            return plain
        return Scoring(best_way(language_model), plain.length_power, plain.steps, plain.draws, plain.max_tokens)


def _never_served(vault: Vault, plan: Plan, asked: _Asked) -> dict[str, float]:
    """Two-sided p-values by model on answers that were never served: is the later draw like the logged one?"""
    rows = [e for e in vault.exchanges(plan.seal.size) if e.never_served and len(e.candidates) == plan.candidates]
    rows = [e for e in rows if len(set(e.candidates)) == len(e.candidates) and all(e.candidates)]
    before = len(asked.kept)
    if rows:
        asked.ask(rows)
    mine = asked.kept[before:]
    if not mine:
        return {}
    served = vault.served([e.seq for e in mine])
    result = {}
    for name in ("suspect", *(name for name in plan.references if name != LENGTH)):
        others = {other: asked.scores[other] for other in plan.references if other != name}
        result[name] = two_sided(calibrate(asked.scores[name], others).points[before:], served)
    result["exchanges"] = float(len(mine))
    return result
