"""One call: any teacher from outside to a surrogate that people can read, with how far it is to be believed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from iolaus.distill.surrogates.fidelity import Fidelity, measure_fidelity
from iolaus.distill.surrogates.linear import Linear, fit_linear
from iolaus.distill.surrogates.queries import QUERIES, sample_queries
from iolaus.distill.surrogates.rules import RuleList, find_rules
from iolaus.distill.surrogates.scores import Scores, as_scores
from iolaus.distill.surrogates.tree import Tree, grow_tree
from iolaus.errors import InputError

__all__ = ["Kind", "Surrogate", "SurrogatePlan", "distil_surrogate", "explain_scores"]

Kind = Literal["tree", "rules", "linear"]
_FEWEST: Final = 10
_SHARPENED: Final = (0.0, 0.5, 1.0)
_NAMES: Final = {"tree": "tree", "rules": "rule list", "linear": "linear surrogate"}


@dataclass(frozen=True, slots=True)
class SurrogatePlan:
    """How a surrogate is made.

    Attributes:
        kind: ``tree``, ``rules`` or ``linear``.
        leaves: most leaves of a tree.
        rules: most rules of a list.
        conditions: most conditions of a rule.
        queries: points to ask the teacher for training; 0 asks it only about the rows themselves.
        checks: held-out points to ask it for the fidelity.
        least: fewest points in a leaf, or that a rule answers.
        soft: learn the teacher's scores, sharpened where that agrees more; otherwise only its class.
        bar: fidelity under which the surrogate is not to be read as an explanation.
        seed: of every draw.
    """

    kind: Kind = "tree"
    leaves: int = 128
    rules: int = 12
    conditions: int = 3
    queries: int = QUERIES
    checks: int = 2000
    least: int = 5
    soft: bool = True
    bar: float = 0.9
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A surrogate and how far it agrees with its teacher.

    Attributes:
        form: the tree, rule list or linear surrogate itself.
        plan: how it was made.
        names: of the columns.
        classes: names of the classes; none where the scores are values.
        fidelity: on held-out queried points.
    """

    form: Tree | RuleList | Linear
    plan: SurrogatePlan
    names: tuple[str, ...]
    classes: tuple[str, ...]
    fidelity: Fidelity

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Scores of rows; float64 (n, k)."""
        return self.form.scores(np.asarray(rows, dtype=float))

    def sentence(self) -> str:
        """What its fidelity means, in one sentence."""
        size = f" of {self.form.leaves} leaves" if isinstance(self.form, Tree) else ""
        return self.fidelity.sentence(_NAMES[self.plan.kind] + size)


def distil_surrogate(
    teacher: Any,  # noqa: ANN401 - any model or function
    rows: np.ndarray,
    plan: SurrogatePlan | None = None,
    names: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> Surrogate:
    """Distil a teacher into a tree, a rule list or a linear surrogate.

    A fifth of the rows is set aside first; the fidelity is measured on points queried around those, so no point that
    decides it, and no row that such a point was made of, was trained on.

    Args:
        teacher: see ``as_scores``.
        rows: (n, features) numbers, 10 rows or more; no labels are needed.
        plan: how to make it; the default is a tree of 128 leaves.
        names: of the columns; x0, x1 and so on where none are given.
        classes: of the scores' columns where the teacher is a function that gives probabilities.

    Raises:
        InputError: the rows are too few or no numbers, names do not fit, or the teacher cannot be asked.
    """
    plan = plan or SurrogatePlan()
    rows = np.asarray(rows, dtype=float)
    if rows.ndim != 2 or len(rows) < _FEWEST or not np.isfinite(rows).all():
        raise InputError(f"a surrogate needs {_FEWEST} rows or more of finite numbers, not shape {rows.shape}")
    ask, own = as_scores(teacher)
    named = tuple(str(name) for name in names) or tuple(f"x{i}" for i in range(rows.shape[1]))
    labels = tuple(str(name) for name in classes) or own
    rng = np.random.default_rng(plan.seed)
    kept, held = _split(len(rows), rng)
    checks = np.vstack([rows[held], sample_queries(rows[held], max(plan.checks - held.size, 1), rng)])
    theirs = ask(checks)
    if len(named) != rows.shape[1] or (labels and len(labels) != theirs.shape[1]):
        raise InputError(
            f"{len(named)} names for {rows.shape[1]} columns, {len(labels)} classes for {theirs.shape[1]} scores"
        )
    form = _learned(ask, rows[kept], plan, bool(labels), rng)
    fidelity = measure_fidelity(theirs, form.scores(checks), bool(labels), plan.bar, plan.seed)
    return Surrogate(form, plan, named, labels, fidelity)


def explain_scores(
    rows: np.ndarray, scores: np.ndarray, plan: SurrogatePlan | None = None, names: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> Surrogate:  # fmt: skip
    """A surrogate of scores that were already given, where nobody can be asked again, such as a detector's verdicts.

    Args:
        rows: (n, features) numbers, 10 rows or more.
        scores: (n,) values or (n, k) probabilities of classes, one row each.
        plan: as for ``distil_surrogate``; no point is queried.
        names: of the columns.
        classes: of the scores' columns where they are probabilities.

    Raises:
        InputError: rows, scores and names do not fit together.
    """
    plan = plan or SurrogatePlan(least=2)
    rows, given = np.asarray(rows, dtype=float), np.asarray(scores, dtype=float)
    given = given[:, None] if given.ndim == 1 else given
    named = tuple(str(name) for name in names) or tuple(f"x{i}" for i in range(rows.shape[-1]))
    if rows.ndim != 2 or len(rows) < _FEWEST or len(given) != len(rows) or len(named) != rows.shape[1]:
        raise InputError(
            f"a surrogate of given scores needs {_FEWEST} rows or more, with a score each and a name a column; "
            f"there are rows of shape {rows.shape}, {len(given)} scores and {len(named)} names"
        )
    if not (np.isfinite(rows).all() and np.isfinite(given).all()) or (classes and len(classes) != given.shape[1]):
        raise InputError("rows and scores must be finite numbers, with a class for every column of scores")
    kept, held = _split(len(rows), np.random.default_rng(plan.seed))
    form = _fit(rows[kept], given[kept], plan, bool(classes))
    fidelity = measure_fidelity(given[held], form.scores(rows[held]), bool(classes), plan.bar, plan.seed)
    return Surrogate(form, plan, named, tuple(str(c) for c in classes), replace(fidelity, queried=False))


def _split(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from, and a fifth of them, two at least, set aside."""
    order = rng.permutation(count)
    aside = max(count // 5, 2)
    return order[:-aside], order[-aside:]


def _learned(
    ask: Scores, rows: np.ndarray, plan: SurrogatePlan, classes: bool, rng: np.random.Generator
) -> Tree | RuleList | Linear:
    """The surrogate learned around rows.

    Soft targets show where the teacher wavers, hard ones where it turns: which helps more depends on the teacher. So a
    tree or rule list of classes is learned on scores, on classes and half-way, and the one that agrees most on points
    queried apart is taken; where they tie, the softest.
    """
    points = _points(rows, plan, rng)
    scores = ask(points)
    if not classes or (plan.kind == "linear" and plan.soft):
        return _fit(points, scores, plan, classes)
    hard = np.eye(scores.shape[1])[scores.argmax(1)]
    if not plan.soft:
        return _fit(points, hard, plan, classes)
    forms = [_fit(points, scores + share * (hard - scores), plan, classes) for share in _SHARPENED]
    if not plan.queries:
        return forms[0]
    apart = sample_queries(rows, max(plan.queries // 4, 1), rng)
    theirs = ask(apart).argmax(1)
    agreed = [float((form.scores(apart).argmax(1) == theirs).mean()) for form in forms]
    return forms[int(np.argmax(agreed))]


def _points(rows: np.ndarray, plan: SurrogatePlan, rng: np.random.Generator) -> np.ndarray:
    """Points to learn from. The rows themselves make a quarter of them: they are what is asked about."""
    if not plan.queries:
        return rows
    again = np.repeat(rows, max(plan.queries // 3 // len(rows), 1), axis=0)
    return np.vstack([sample_queries(rows, plan.queries, rng), again])


def _fit(points: np.ndarray, targets: np.ndarray, plan: SurrogatePlan, classes: bool) -> Tree | RuleList | Linear:
    if plan.kind == "tree":
        return grow_tree(points, targets, plan.leaves, min(plan.least, len(points) // 2), plan.seed)
    if plan.kind == "rules":
        return find_rules(points, targets, plan.rules, plan.conditions, plan.least, plan.seed)
    return fit_linear(points, targets, classes)
