"""A tree of few leaves that answers like its teacher."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Tree", "grow_tree"]


@dataclass(frozen=True, slots=True)
class Tree:
    """A binary tree as plain arrays; node 0 is the root.

    Attributes:
        feature: int64 (nodes,), column asked, -1 at a leaf.
        threshold: float64 (nodes,), left where the column's value is at most this.
        left: int64 (nodes,), -1 at a leaf.
        right: int64 (nodes,), -1 at a leaf.
        value: float64 (nodes, k), mean score of the points that came here.
        share: float64 (nodes,), share of the training points that came here.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    share: np.ndarray

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return int((self.feature < 0).sum())

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Scores of rows; float64 (n, k)."""
        at = np.zeros(len(rows), dtype=np.int64)
        while (moving := np.flatnonzero(self.feature[at] >= 0)).size:
            at[moving] = self.next_nodes(at[moving], rows[moving])
        scores: np.ndarray = self.value[at]
        return scores

    def next_nodes(self, nodes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Where rows go from the inner nodes at which they stand; int64 (n,)."""
        # Thresholds were chosen on float32 columns, so rows are read as such.
        low = rows[np.arange(len(rows)), self.feature[nodes]].astype(np.float32) <= self.threshold[nodes]
        onward: np.ndarray = np.where(low, self.left[nodes], self.right[nodes])
        return onward

    def to_json(self) -> dict[str, Any]:
        """The tree as lists."""
        return {name: getattr(self, name).tolist() for name in self.__slots__}


def grow_tree(rows: np.ndarray, scores: np.ndarray, leaves: int, least: int, seed: int) -> Tree:
    """Grow a regression tree on scores, the best split first.

    CART (Breiman et al., 1984) with soft targets (Hinton et al., arXiv 1503.02531, section 2): for probabilities the
    squared error is the Gini impurity of soft labels.

    Args:
        rows: (n, features).
        scores: (n, k), the teacher's; one-hot for hard targets.
        leaves: most leaves, 2 or more.
        least: fewest points in a leaf.
        seed: breaks ties between splits.
    """
    from sklearn.tree import DecisionTreeRegressor

    grown = DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=least, random_state=seed)
    grown.fit(rows, scores)
    held = grown.tree_
    inner = held.children_left >= 0
    return Tree(
        np.where(inner, held.feature, -1),
        np.where(inner, held.threshold, 0.0),
        held.children_left.astype(np.int64),
        held.children_right.astype(np.int64),
        held.value[:, :, 0].copy(),
        held.weighted_n_node_samples / held.weighted_n_node_samples[0],
    )
