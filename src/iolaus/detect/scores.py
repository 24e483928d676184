"""A score for every account: how suspect it is, in a campaign or not."""

import numpy as np

from iolaus.detect.verdicts import Judged
from iolaus.signals import Log
from iolaus.stats import log_odds_bound

__all__ = ["account_scores", "campaign_score"]


def campaign_score(judged: Judged) -> float:
    """Coordination, concealment and extraction together: their geometric mean, in [0, 1]."""
    parts = np.array([judged.coordination.score, judged.concealment.score, judged.extraction.axis.score])
    return float(np.prod(np.maximum(parts, 1e-6)) ** (1 / 3))


def account_scores(log: Log, judged: list[Judged]) -> np.ndarray:
    """Scores in [0, 1], float64 (A,).

    An account has the highest of its clusters' scores, times how much of a member it is: its share of own exchanges
    against the median member's, at most 1. A verdict lifts a campaign's members above all who have none.
    """
    scores = np.zeros(log.accounts)
    for item in judged:
        own = np.bincount(log.account[item.cluster.core], minlength=log.accounts)[item.cluster.accounts]
        part = np.minimum(1.0, own / max(float(np.median(own)), 1.0))
        base = campaign_score(item)
        if item.verdict == "distillation_campaign":
            value = 0.75 + 0.25 * base * (0.5 + 0.5 * part)
        elif item.verdict:
            value = 0.5 + 0.25 * base * (0.5 + 0.5 * part)
        else:
            certainty = log_odds_bound(item.coordination.p_value)
            value = 0.5 * base * part * (0.2 + 0.8 * certainty / (certainty + 3.0))
        np.maximum.at(scores, item.cluster.accounts, value)
    return scores
