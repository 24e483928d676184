"""A surrogate in words, for the terminal and for reports."""

from collections.abc import Sequence

import numpy as np

from iolaus.distill.surrogates.distil import Surrogate
from iolaus.distill.surrogates.linear import Linear
from iolaus.distill.surrogates.membership import Membership
from iolaus.distill.surrogates.rules import RuleList
from iolaus.distill.surrogates.tree import Tree

__all__ = ["in_words", "outline", "reasons"]


def in_words(surrogate: Surrogate, most: int = 20) -> list[str]:
    """Lines that say what the surrogate does: rules, weights, or a tree's heaviest leaves as rules."""
    form = surrogate.form
    if isinstance(form, RuleList):
        lines = []
        for place, rule in enumerate(form.rules[:most]):
            asked = " and ".join(_condition(surrogate.names[c.feature], c.threshold, c.above) for c in rule.conditions)
            lead = ("if " if place == 0 else "else if ") + asked if asked else "else"
            lines.append(f"{lead}: {_answer(rule.value, surrogate.classes)} ({rule.share:.1%} of points)")
        return lines
    if isinstance(form, Linear):
        order = np.argsort(-np.abs(form.weights).max(1), kind="stable")[:most]
        return [f"{surrogate.names[i]}: {_weights(form.weights[i], surrogate.classes)}" for i in order]
    leaves = sorted(_leaves(form), key=lambda leaf: -form.share[leaf[0]])[:most]
    return [
        f"if {' and '.join(_condition(surrogate.names[f], t, above) for f, t, above in way) or 'anything'}: "
        f"{_answer(form.value[node], surrogate.classes)} ({form.share[node]:.1%} of points)"
        for node, way in leaves
    ]


def reasons(tree: Tree, row: np.ndarray, names: Sequence[str]) -> list[str]:
    """The questions that a tree asks about one row, with the row's answers, from the root down."""
    lines, node = [], 0
    while tree.feature[node] >= 0:
        feature, threshold = int(tree.feature[node]), float(tree.threshold[node])
        above = bool(np.float32(row[feature]) > threshold)
        lines.append(f"{_condition(names[feature], threshold, above)} (it is {row[feature]:.4g})")
        node = int(tree.right[node] if above else tree.left[node])
    return lines


def outline(found: Membership, campaign: str) -> list[str]:
    """The tree of a campaign's accounts as lines for a terminal, with the accounts that come to each answer.

    Args:
        found: the tree.
        campaign: its id.
    """
    tree = found.tree
    all_within, all_beside = int(found.within[0]), int(found.beside[0])

    def below(node: int, lead: str, mark: str, rest: str) -> list[str]:
        feature = int(tree.feature[node])
        if feature < 0:
            answer = campaign if tree.value[node].argmax() else "other"
            counts = f"{found.within[node]:,} of its {all_within:,}, {found.beside[node]:,} of {all_beside:,} others"
            return [f"{lead}{mark}{answer} ({counts})"]
        ways = ((int(tree.right[node]), "├ yes: ", "│      "), (int(tree.left[node]), "└ no:  ", "       "))
        lines = [f"{lead}{mark}{_condition(found.names[feature], float(tree.threshold[node]), True)}?"]
        return lines + [line for child, sign, gap in ways for line in below(child, lead + rest, sign, gap)]

    return below(0, "", "", "")


def _leaves(tree: Tree) -> list[tuple[int, list[tuple[int, float, bool]]]]:
    found: list[tuple[int, list[tuple[int, float, bool]]]] = []
    waiting: list[tuple[int, list[tuple[int, float, bool]]]] = [(0, [])]
    while waiting:
        node, way = waiting.pop()
        if tree.feature[node] < 0:
            found.append((node, way))
            continue
        at = int(tree.feature[node]), float(tree.threshold[node])
        waiting.append((int(tree.left[node]), [*way, (*at, False)]))
        waiting.append((int(tree.right[node]), [*way, (*at, True)]))
    return found


def _condition(name: str, threshold: float, above: bool) -> str:
    return f"{name} > {threshold:.4g}" if above else f"{name} ≤ {threshold:.4g}"


def _answer(value: np.ndarray, classes: Sequence[str]) -> str:
    if classes:
        return f"{classes[int(value.argmax())]} ({value.max():.0%})"
    return ", ".join(f"{v:.4g}" for v in value)


def _weights(weights: np.ndarray, classes: Sequence[str]) -> str:
    if classes:
        return ", ".join(f"{name} {weight:+.3g}" for name, weight in zip(classes, weights, strict=True))
    return ", ".join(f"{weight:+.3g}" for weight in weights)
