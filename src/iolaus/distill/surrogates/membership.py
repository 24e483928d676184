"""A small tree that says which accounts a detector put into a campaign, and how far that is to be believed.

The detector cannot be asked about accounts that do not exist, so nothing is queried: the tree is grown on the accounts
as they are. Hardly any of them is in a campaign, so to agree on all the others is no merit. Agreement is counted over
the accounts that the tree or the detector names: the share that both name (Jaccard's index), on accounts left out while
the tree was grown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import stats as sps

from iolaus.distill.surrogates.tree import Tree, grow_tree
from iolaus.errors import InputError

__all__ = ["Membership", "explain_membership"]

_FOLDS: Final = 5
_LEAST: Final = 2


@dataclass(frozen=True, slots=True)
class Membership:
    """The tree, and how far it names the accounts that the detector names.

    Attributes:
        tree: grown on all accounts; its two scores are others and members.
        names: of the columns.
        within: int64 (nodes,), members that come to each node.
        beside: int64 (nodes,), others that do.
        both: members that a tree grown without them names.
        either: accounts that such a tree or the detector names.
        low: lower end of the 95% interval of both / either.
        high: its upper end.
        bar: share under which the tree is not to be read as an explanation.
    """

    tree: Tree
    names: tuple[str, ...]
    within: np.ndarray
    beside: np.ndarray
    both: int
    either: int
    low: float
    high: float
    bar: float

    @property
    def fidelity(self) -> float:
        """Share of the accounts named by tree or detector that both name."""
        return self.both / self.either

    def sentence(self, campaign: str) -> str:
        """What the fidelity means for who reads the tree as an explanation.

        Args:
            campaign: its id.
        """
        members = int(self.within[0])
        found = (
            f"Asked about accounts that it was not grown on, the tree names {self.both} of the {members} accounts of "
            f"{campaign} and {self.either - members} others: {self.fidelity:.1%} agreement "
            f"(95% interval {self.low:.1%} to {self.high:.1%})"
        )
        if self.low >= self.bar:
            return f"{found}, above the bar of {self.bar:.0%}."
        if self.high >= self.bar:
            return f"{found}; whether that reaches the bar of {self.bar:.0%} is open."
        return (
            f"{found}, under the bar of {self.bar:.0%}: it cannot hold what the detector says, so do not read it as "
            "the verdict's reason."
        )


def explain_membership(
    rows: np.ndarray, names: Sequence[str], inside: np.ndarray, *, leaves: int = 8, bar: float = 0.8, seed: int = 0
) -> Membership:
    """Grow a small tree on accounts that says which are members, and measure it by cross-validation.

    The interval is Clopper and Pearson's (Biometrika 26, 1934) for both of either; it takes accounts as independent.

    Args:
        rows: float64 (n, columns), finite.
        names: of the columns.
        inside: bool (n,), what the detector said.
        leaves: most leaves.
        bar: agreement asked for, in (0, 1].
        seed: of the folds and of ties between splits.

    Raises:
        InputError: fewer than five members or five others, or names that do not fit.
    """
    members, others = int(inside.sum()), int((~inside).sum())
    if min(members, others) < _FOLDS:
        raise InputError(
            f"a surrogate needs {_FOLDS} accounts of the campaign and {_FOLDS} others; there are {members} and {others}"
        )
    if rows.shape != (len(inside), len(names)) or not np.isfinite(rows).all():
        raise InputError(f"{len(names)} names and {len(inside)} accounts for finite rows of shape {rows.shape}")
    fold = _folds(inside, np.random.default_rng(seed))
    said = np.zeros(len(inside), dtype=bool)
    for number in range(_FOLDS):
        held = fold == number
        said[held] = _named(_grown(rows[~held], inside[~held], leaves, seed), rows[held])
    both, either = int((said & inside).sum()), int((said | inside).sum())
    tree = _folded(_grown(rows, inside, leaves, seed))
    return Membership(
        tree,
        tuple(names),
        _arrivals(tree, rows[inside]),
        _arrivals(tree, rows[~inside]),
        both,
        either,
        float(sps.beta.ppf(0.025, both, either - both + 1)) if both else 0.0,
        float(sps.beta.ppf(0.975, both + 1, either - both)) if both < either else 1.0,
        bar,
    )


def _folds(inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fold of each account; members and others are dealt out apart, so that every fold has its part of both."""
    fold = np.zeros(len(inside), dtype=np.int64)
    for group in (np.flatnonzero(inside), np.flatnonzero(~inside)):
        fold[rng.permutation(group)] = np.arange(len(group)) % _FOLDS
    return fold


def _grown(rows: np.ndarray, inside: np.ndarray, leaves: int, seed: int) -> Tree:
    return grow_tree(rows, np.stack([~inside, inside], axis=1).astype(float), leaves, _LEAST, seed)


def _named(tree: Tree, rows: np.ndarray) -> np.ndarray:
    named: np.ndarray = tree.scores(rows).argmax(1) == 1
    return named


def _folded(tree: Tree) -> Tree:
    """The same answers without the questions whose answers do not change them."""
    feature, left, right = tree.feature.copy(), tree.left.copy(), tree.right.copy()
    # A node's children stand behind it, so from the back every child is settled before its parent.
    for node in range(len(feature) - 1, -1, -1):
        if feature[node] >= 0 and feature[left[node]] < 0 and feature[right[node]] < 0:
            answers = tree.value[[left[node], right[node]]].argmax(1)
            if answers[0] == answers[1]:
                feature[node], left[node], right[node] = -1, -1, -1
    kept = np.zeros(len(feature), dtype=bool)
    kept[0] = True
    for inner_node in np.flatnonzero(feature >= 0):
        if kept[inner_node]:
            kept[[left[inner_node], right[inner_node]]] = True
    place = np.cumsum(kept) - 1
    inner = feature[kept] >= 0
    return replace(
        tree,
        feature=feature[kept],
        threshold=np.where(inner, tree.threshold[kept], 0.0),
        left=np.where(inner, place[left[kept]], -1),
        right=np.where(inner, place[right[kept]], -1),
        value=tree.value[kept],
        share=tree.share[kept],
    )


def _arrivals(tree: Tree, rows: np.ndarray) -> np.ndarray:
    """How many rows come to each node."""
    counts = np.zeros(len(tree.feature), dtype=np.int64)
    at = np.zeros(len(rows), dtype=np.int64)
    moving = np.arange(len(rows))
    np.add.at(counts, at, 1)
    while (moving := moving[tree.feature[at[moving]] >= 0]).size:
        at[moving] = tree.next_nodes(at[moving], rows[moving])
        np.add.at(counts, at[moving], 1)
    return counts
