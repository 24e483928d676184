"""How the chance of a false accusation is shared out among accounts and campaigns before any coin is opened.

Accounts that `detect` put into a campaign are the ones a provider wants to name, so where there are both, they get half
of alpha between them and all other accounts the other half. Campaigns come from the log and are registered in the plan.
Within a half every account gets the same level. Exchanges of an account are few and their law is discrete: the least
chance that an account could ever show, every coin agreeing, is known from the points alone. An account that could not
be convicted at its level anyway needs no share of it (Tarone, "A modified Bonferroni method for discrete data",
Biometrics 46, 1990).

Why no innocent account is named with more than alpha: points know no coin, so given the points the least chances are
fixed numbers, and so is k, the least number for which at most k accounts of the half could show a / k or less (a: the
half's share). An innocent account beyond these cannot be convicted at a / k. Each of the k at most is, with a chance of
a / k at most, for its p-value is exact. Their sum is a, whatever depends on what, and the halves' sum is alpha. With
equal accounts that could all be convicted this is Bonferroni's alpha / m.

A test that may stop early does not know what points it will see, so there every account of the plan counts.
"""

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["counted", "least_chance", "share_out"]


def least_chance(points: np.ndarray) -> float:
    """Chance that every coin falls on a candidate with the most points; nothing less likely can be seen.

    Args:
        points: (n, k) whole numbers.
    """
    return float(np.prod((points == points.max(axis=1, keepdims=True)).mean(axis=1)))


def counted(least: np.ndarray, alpha: float) -> int:
    """The least k for which at most k of the least chances are alpha / k or less; 1 or more.

    Args:
        least: (m,) the least chance that each hypothesis could show.
        alpha: chance of a false rejection among all of them.
    """
    k = np.arange(1, max(len(least), 1) + 1)
    reachable = np.searchsorted(np.sort(least), alpha / k, side="right")
    return int(k[np.argmax(reachable <= k)])


def share_out(
    alpha: float, parts: Sequence[Mapping[str, float]], counts: Sequence[int] | None = None
) -> dict[str, float]:
    """The level at which each hypothesis is tested.

    Args:
        alpha: chance of a false accusation in the family.
        parts: by name, the least chance that a hypothesis could show; parts without any get no share.
        counts: hypotheses of each part as the plan names them, for a test that may stop early; None otherwise.
    """
    sizes = [len(part) for part in parts] if counts is None else list(counts)
    share = alpha / max(sum(size > 0 for size in sizes), 1)
    levels: dict[str, float] = {}
    for part, size in zip(parts, sizes, strict=True):
        k = counted(np.array(list(part.values())), share) if counts is None else size
        levels |= dict.fromkeys(part, share / max(k, 1))
    return levels
