"""Plain measures on plain values: shares, rankings, and B-cubed."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

__all__ = ["average_precision", "b_cubed", "ratio", "roc_auc"]


def ratio(part: float, whole: float) -> float | None:
    """A share, rounded to 9 digits; None where there is nothing to take a share of."""
    return round(part / whole, 9) if whole else None


def roc_auc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Area under the ROC curve, ties counted half; None where one class is empty."""
    label = np.asarray(positive, dtype=np.bool_)
    n, m = int(label.sum()), int((~label).sum())
    if n == 0 or m == 0:
        return None
    rank = rankdata(np.asarray(scores, dtype=np.float64))
    return round(float((rank[label].sum() - n * (n + 1) / 2) / (n * m)), 9)


def average_precision(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Sum over thresholds of (recall gained) x (precision there); tied scores share one threshold.

    None where nothing is positive.
    """
    score, label = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=np.float64)
    if label.sum() == 0:
        return None
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(label[order])
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    precision = hits[ends] / (ends + 1)
    gained = np.diff(np.concatenate([[0.0], hits[ends]])) / label.sum()
    return round(float((precision * gained).sum()), 9)


def b_cubed(operator_of: Mapping[str, str | None], campaign_of: Mapping[str, str]) -> dict[str, float | None]:
    """B-cubed precision, recall and F1 over accounts that are hydra or flagged.

    Precision is the mean, over flagged accounts, of the share of their campaign that has their operator (a
    benign account is an operator of its own); recall the mean, over hydra accounts, of the share of their
    operator that is in their campaign (an unflagged account is a campaign of its own).
    Source: Bagga and Baldwin (1998), Entity-based cross-document coreferencing, ACL; with unlike universes
    for the two, since most of a log is neither hydra nor flagged.

    Args:
        operator_of: of every account seen; None for benign ones.
        campaign_of: of flagged accounts.
    """

    def operator(account: str) -> tuple[str, bool]:
        named = operator_of.get(account)
        return (named, True) if named is not None else (account, False)

    def campaign(account: str) -> tuple[str, bool]:
        named = campaign_of.get(account)
        return (named, True) if named is not None else (account, False)

    accounts = {*campaign_of, *(a for a, o in operator_of.items() if o is not None)}
    cell = Counter((operator(a), campaign(a)) for a in accounts)
    by_operator = Counter(operator(a) for a in accounts)
    by_campaign = Counter(campaign(a) for a in accounts)
    right = [(a, cell[operator(a), campaign(a)]) for a in sorted(accounts)]
    flagged = [n / by_campaign[campaign(a)] for a, n in right if a in campaign_of]
    hydra = [n / by_operator[operator(a)] for a, n in right if operator(a)[1]]
    precision, recall = ratio(sum(flagged), len(flagged)), ratio(sum(hydra), len(hydra))
    both = None if precision is None or recall is None else ratio(2 * precision * recall, precision + recall)
    return {"precision": precision, "recall": recall, "f1": both}
