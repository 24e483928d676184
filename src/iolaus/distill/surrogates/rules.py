"""An ordered list of rules: the first that fits answers.

After PART (Frank and Witten, "Generating accurate rule sets without global optimization", ICML 1998, section 3): grow a
small tree on the points that are left, turn its best leaf into a rule, set aside the points that the rule answers, and
go on. The best leaf is the one that takes most squared error off the points left. The last rule has no condition.
"""

from dataclasses import dataclass

import numpy as np

from iolaus.distill.surrogates.tree import Tree, grow_tree

__all__ = ["Condition", "Rule", "RuleList", "find_rules"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison: the column's value is at most, or above, a threshold."""

    feature: int
    threshold: float
    above: bool

    def fits(self, rows: np.ndarray) -> np.ndarray:
        """Which rows fit; bool (n,)."""
        high: np.ndarray = rows[:, self.feature].astype(np.float32) > self.threshold
        return high if self.above else ~high


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions hold: the answer is ``value``.

    Attributes:
        conditions: none in the last rule.
        value: float64 (k,), mean score of the points it answered in training.
        share: share of the training points that it answered.
    """

    conditions: tuple[Condition, ...]
    value: np.ndarray
    share: float

    def fits(self, rows: np.ndarray) -> np.ndarray:
        """Which rows fit all conditions; bool (n,)."""
        held = np.ones(len(rows), dtype=bool)
        for condition in self.conditions:
            held &= condition.fits(rows)
        return held


@dataclass(frozen=True, slots=True)
class RuleList:
    """Rules in the order in which they are asked."""

    rules: tuple[Rule, ...]

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Scores of rows; float64 (n, k)."""
        out = np.empty((len(rows), self.rules[0].value.size))
        open_ = np.ones(len(rows), dtype=bool)
        for rule in self.rules:
            here = open_ & rule.fits(rows)
            out[here] = rule.value
            open_ &= ~here
        return out


def find_rules(rows: np.ndarray, scores: np.ndarray, most: int, conditions: int, least: int, seed: int) -> RuleList:
    """Learn a list of rules from scored points.

    Args:
        rows: (n, features).
        scores: (n, k).
        most: most rules, the last included.
        conditions: most conditions in a rule.
        least: fewest points that a rule answers.
        seed: breaks ties between splits.
    """
    found: list[Rule] = []
    left = np.arange(len(rows))
    while len(found) < most - 1 and left.size >= 2 * least:
        tree = grow_tree(rows[left], scores[left], 2**conditions, least, seed)
        best = _best_leaf(tree, conditions)
        if best is None:
            break
        fits = Rule(best, np.empty(0), 0.0).fits(rows[left])
        answered = left[fits]
        found.append(Rule(_simplest(best), scores[answered].mean(0), answered.size / len(rows)))
        left = left[~fits]
    rest = scores[left].mean(0) if left.size else found[-1].value
    return RuleList((*found, Rule((), rest, left.size / len(rows))))


def _best_leaf(tree: Tree, conditions: int) -> tuple[Condition, ...] | None:
    """Conditions on the way to the node, not the root, whose answer differs most from the rest, by weight."""
    best: tuple[float, tuple[Condition, ...]] | None = None
    waiting: list[tuple[int, tuple[Condition, ...]]] = [(0, ())]
    while waiting:
        node, way = waiting.pop()
        leaf = tree.feature[node] < 0
        if way and (leaf or len(way) == conditions):
            # Answering this node apart from all others takes share · |its mean - the whole's|² off the error.
            gain = float(tree.share[node] * ((tree.value[node] - tree.value[0]) ** 2).sum())
            gain += 1e-9 * float(tree.share[node])
            if best is None or gain > best[0]:
                best = (gain, way)
        elif not leaf:
            at = int(tree.feature[node]), float(tree.threshold[node])
            waiting.append((int(tree.left[node]), (*way, Condition(*at, False))))
            waiting.append((int(tree.right[node]), (*way, Condition(*at, True))))
    return best[1] if best else None


def _simplest(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The same conditions with only the tightest bound of each column and side."""
    tightest: dict[tuple[int, bool], Condition] = {}
    for condition in conditions:
        key = condition.feature, condition.above
        held = tightest.get(key)
        tighter = held is None or (condition.threshold > held.threshold) == condition.above
        if tighter:
            tightest[key] = condition
    return tuple(tightest.values())
