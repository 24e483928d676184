"""Release pivot: accounts that turn to a new model at once, sooner than others do.

A release is a model name that first appears after the log's first day and that several accounts take up. Null: each
account adopts a release on its own, with the chance that accounts of the population have that send as many requests in
the days after it; up to a tenth of them may be excused (``stats.partial_tail``). Statistic: how many of the cluster's
accounts use the new model within one, two and four days, asked of all that they send and of their own part alone, and
joined by a Cauchy combination; several releases are joined by Bonferroni.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np

from iolaus.signals.base import Finding, Links, no_links
from iolaus.signals.log import DAY, Cluster, Log, rows_of
from iolaus.stats import cauchy_combination, chances_alike, partial_tail

__all__ = ["PivotSignal"]

_WINDOWS: Final = (DAY, 2 * DAY, 4 * DAY)
_LEAST_ADOPTERS: Final = 20
_LEAST_ACTIVE: Final = 4
_MOST_RELEASES: Final = 8


class PivotSignal:
    """Accounts that turn to a new model at once."""

    name: Final = "pivot"
    columns: Final = ("request_model",)
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """None: many strangers try a new model on its first day."""
        return no_links()

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Test the cluster's pace of adoption at each release."""
        best: tuple[float, int, int, float] | None = None
        releases = _releases(log)
        views = (rows_of(log, cluster.accounts), cluster.core) if releases else ()
        for model, start in releases:
            outcome = _adoption(log, cluster.accounts, views, model, start)
            if outcome is not None and (best is None or outcome[0] < best[0]):
                best = outcome
        if best is None:
            return None
        p, adopted, active, expected = best
        return Finding(
            self.name,
            min(1.0, p * len(releases)),
            f"{adopted} of the {active} accounts active then used a new model soon after its release, "
            f"where the population's pace would give {expected:.1f}.",
            accounts=cluster.accounts[:8],
            values={"adopted": float(adopted), "expected": expected},
        )


@lru_cache(maxsize=2)
def _releases(log: Log) -> tuple[tuple[int, int], ...]:
    """Models that first appear after the log's first day, with the instant; those that most accounts use first."""
    if "request_model" not in log.codes or log.exchanges == 0:
        return ()
    model = log.codes["request_model"]
    rows = np.flatnonzero(model >= 0)
    first = np.full(int(model.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, model[rows], log.at[rows])
    pairs = np.unique(model[rows].astype(np.int64) * log.accounts + log.account[rows])
    users = np.bincount(pairs // log.accounts, minlength=first.size)
    new = np.flatnonzero((users >= _LEAST_ADOPTERS) & (first > log.at[0] + DAY) & (first < log.at[-1] - _WINDOWS[0]))
    chosen = new[np.lexsort((new, -users[new]))][:_MOST_RELEASES]
    return tuple((int(m), int(first[m])) for m in chosen)


def _adoption(
    log: Log, accounts: np.ndarray, views: tuple[np.ndarray, ...], model: int, start: int
) -> tuple[float, int, int, float] | None:
    """p-value over all windows and both views; adopters, active accounts and adopters expected of the clearest."""
    outcomes = [
        outcome
        for window in _WINDOWS
        for outcome in _within(
            log, accounts, views, model, *(int(x) for x in np.searchsorted(log.at, [start, start + window]))
        )
    ]
    if not outcomes:
        return None
    return cauchy_combination([outcome[0] for outcome in outcomes]), *min(outcomes)[1:]


def _within(
    log: Log, accounts: np.ndarray, views: tuple[np.ndarray, ...], model: int, low: int, high: int
) -> Iterator[tuple[float, int, int, float]]:
    """Adoption between two exchanges in each view: all that the accounts send, and the cluster's own exchanges."""
    sent, took = _use_of_all(log, low, high, model)
    outside = sent > 0
    outside[accounts] = False
    if not outside.any():
        return
    for rows in views:
        first, last = np.searchsorted(rows, [low, high])
        own_sent, own_took = _use(log, rows[first:last], model)
        active = np.flatnonzero(own_sent)
        if active.size >= _LEAST_ACTIVE:
            chances = chances_alike(sent[outside], took[outside], own_sent[active])
            adopted = int(own_took[active].sum())
            yield partial_tail(adopted, chances), adopted, int(active.size), float(chances.sum())


@lru_cache(maxsize=2 * len(_WINDOWS) * _MOST_RELEASES)
def _use_of_all(log: Log, low: int, high: int, model: int) -> tuple[np.ndarray, np.ndarray]:
    """``_use`` of all exchanges between two."""
    return _use(log, np.arange(low, high), model)


def _use(log: Log, rows: np.ndarray, model: int) -> tuple[np.ndarray, np.ndarray]:
    """Requests of each account among the rows, and whether any of them used the model."""
    sent = np.bincount(log.account[rows], minlength=log.accounts)
    using = rows[log.codes["request_model"][rows] == model]
    return sent, np.bincount(log.account[using], minlength=log.accounts) > 0
