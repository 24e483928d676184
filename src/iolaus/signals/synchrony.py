"""Synchrony: accounts that start, stop, pause and change their rates together.

Null: every account keeps its own rhythm - its hours of the day, its share of working days and weekends, its bursts and
its stretch of days - but its days lie anywhere. Days are shifted in a circle, working days among working days and
weekends among weekends, each account on its own. Statistic, at scales from ten minutes to a day: how far the cluster's
joint activity departs from the population's, as a chi-square over bins. A rhythm that the whole population follows (an
outage, a holiday, a release) is part of the expectation and therefore no finding. Accounts count alike: each one's
counts are taken to the square root and scaled to one.

Circular-shift nulls are those of neural spike trains (Amarasingham et al., J. Neurophysiol. 107, 2012, on jitter);
tails as in ``stats.sequential_tail``. The four scales are joined by a Cauchy combination.
"""

from functools import lru_cache
from typing import Final

import numpy as np

from iolaus.signals.base import Finding, Links, no_links
from iolaus.signals.log import DAY, HOUR, MINUTE, Cluster, Log
from iolaus.stats import cauchy_combination, sequential_tail
from iolaus.text.jit import kernel

__all__ = ["SynchronySignal"]

_SCALES: Final = ((10 * MINUTE, "10 minutes"), (HOUR, "an hour"), (6 * HOUR, "6 hours"), (DAY, "a day"))
_DRAWS: Final = 400
_MOST_ACCOUNTS: Final = 200
_MOST_ENTRIES: Final = 20_000
_LEAST_DAYS: Final = 4
# Of the expectation, this share is spread evenly, so that a bin that the population left empty does not divide by 0.
_EVEN: Final = 0.2
_SEED: Final = 20_260_101


@kernel
def _draw(
    owner: np.ndarray,
    day: np.ndarray,
    slot: np.ndarray,
    weight: np.ndarray,
    shifts: np.ndarray,
    place: np.ndarray,
    members: np.ndarray,
    sizes: np.ndarray,
    slots: int,
    expected: np.ndarray,
    out: np.ndarray,
) -> None:
    """Chi-square of each draw; ``shifts`` is (draws, accounts, 2) below ``sizes``, row 0 the data as they are."""
    total = np.zeros(expected.shape[0])
    for d in range(shifts.shape[0]):
        total[:] = 0.0
        for i in range(owner.shape[0]):
            kind = place[day[i], 0]
            at = place[day[i], 1] + shifts[d, owner[i], kind]
            if at >= sizes[kind]:
                at -= sizes[kind]
            total[members[kind, at] * slots + slot[i]] += weight[i]
        s = 0.0
        for b in range(expected.shape[0]):
            s += (total[b] - expected[b]) ** 2 / expected[b]
        out[d] = s


class SynchronySignal:
    """Joint activity beyond what independent rhythms give."""

    name: Final = "synchrony"
    columns: Final = ()
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """None: synchrony tests, it does not search."""
        return no_links()

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Test the cluster's own exchanges at every scale."""
        rows = _sampled_rows(log, cluster)
        accounts, owner = np.unique(log.account[rows], return_inverse=True)
        start = int(log.at[0]) // DAY if log.exchanges else 0
        days = int(log.at[-1]) // DAY - start + 1 if log.exchanges else 0
        if accounts.size < 3 or days < _LEAST_DAYS or rows.size < 2 * accounts.size:
            return None
        calendar = _calendar(start, days)
        rng = np.random.default_rng(_SEED)
        shifts = rng.integers(0, 1 << 20, size=(_DRAWS + 1, accounts.size, 2))
        shifts[0] = 0
        # Once around the circle is no shift.
        shifts %= np.maximum(calendar[2], 1)
        at = log.at[rows] - start * DAY
        outcomes = []
        for width, label in _SCALES:
            background = _background(log, cluster, width)
            p, ratio = _test(at, owner, width, background, calendar, shifts)
            outcomes.append((p, label, ratio))
        p = cauchy_combination([outcome[0] for outcome in outcomes])
        least = min(outcomes)
        return Finding(
            self.name,
            p,
            f"{accounts.size} accounts move together on the scale of {least[1]}: their joint activity departs "
            f"{least[2]:.1f} times as far from the population's rhythm as the same accounts do when their days are "
            "shifted independently.",
            exchanges=rows[:: max(rows.size // 8, 1)][:8],
            accounts=accounts[:8],
            values={"ratio": least[2]},
        )


def _sampled_rows(log: Log, cluster: Cluster) -> np.ndarray:
    """The cluster's core, of at most ``_MOST_ACCOUNTS`` accounts and about ``_MOST_ENTRIES`` exchanges."""
    rows = cluster.core
    if cluster.accounts.size > _MOST_ACCOUNTS:
        chosen = cluster.accounts[np.linspace(0, cluster.accounts.size - 1, _MOST_ACCOUNTS).astype(int)]
        rows = rows[np.isin(log.account[rows], chosen)]
    return rows[:: max(-(-rows.size // _MOST_ENTRIES), 1)]


def _calendar(start: int, days: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each day its kind (0 working day, 1 weekend) and place in its kind; each kind's days; the kinds' sizes."""
    # Day 0 of the epoch was a Thursday.
    kind = ((np.arange(start, start + days) + 3) % 7 >= 5).astype(np.int64)
    members = np.zeros((2, days), dtype=np.int64)
    place = np.zeros((days, 2), dtype=np.int64)
    sizes = np.zeros(2, dtype=np.int64)
    for day in range(days):
        place[day] = kind[day], sizes[kind[day]]
        members[kind[day], sizes[kind[day]]] = day
        sizes[kind[day]] += 1
    return place, members, sizes


def _weights(bins: np.ndarray, owner: np.ndarray, total_bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Occupied (owner, bin) cells: owner, bin, and the square root of the count, each owner's scaled to sum 1."""
    cells, counts = np.unique(owner.astype(np.int64) * total_bins + bins, return_counts=True)
    who = cells // total_bins
    root = np.sqrt(counts)
    sums = np.bincount(who, weights=root)
    return who, cells % total_bins, root / sums[who]


@lru_cache(maxsize=8)
def _cells(log: Log, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Occupied (account, bin) cells sorted by account, where each account begins, and the bins' sums.

    Returns:
        Bins, int64 (e,); square roots of the counts, float64 (e,); starts, int64 (A + 1,); sums, float64 (bins,).
    """
    total_bins = (int(log.at[-1]) // DAY - int(log.at[0]) // DAY + 1) * (DAY // width)
    at = (log.at - int(log.at[0]) // DAY * DAY) // width
    cells, counts = np.unique(log.account.astype(np.int64) * total_bins + at, return_counts=True)
    root = np.sqrt(counts)
    starts = np.searchsorted(cells, np.arange(log.accounts + 1) * total_bins)
    return cells % total_bins, root, starts, np.bincount(cells % total_bins, weights=root, minlength=total_bins)


def _background(log: Log, cluster: Cluster, width: int) -> np.ndarray:
    """The population's share of activity in each bin without the cluster's accounts, summing to 1."""
    bins, root, starts, sums = _cells(log, width)
    mine = np.concatenate([np.arange(starts[a], starts[a + 1]) for a in cluster.accounts])
    share = np.maximum(sums - np.bincount(bins[mine], weights=root[mine], minlength=sums.size), 0.0)
    even = np.full(sums.size, 1.0 / sums.size)
    total = share.sum()
    return (1 - _EVEN) * share / total + _EVEN * even if total > 1e-9 else even


def _test(
    at: np.ndarray,
    owner: np.ndarray,
    width: int,
    background: np.ndarray,
    calendar: tuple[np.ndarray, np.ndarray, np.ndarray],
    shifts: np.ndarray,
) -> tuple[float, float]:
    """The p-value at one scale, and how far the activity departs from its expectation, the null's mean being 1."""
    slots = DAY // width
    who, cell, weight = _weights(at // width, owner, background.size)
    place, members, sizes = calendar
    expected = background * float(weight.sum())
    made = 0

    def draw(draws: int) -> np.ndarray:
        nonlocal made
        out = np.empty(draws)
        part = shifts[made : made + draws]
        _draw(who, cell // slots, cell % slots, weight, part, place, members, sizes, slots, expected, out)
        made += draws
        return out

    # The first shifts are none at all.
    observed = float(draw(1)[0])
    p, null = sequential_tail(observed, draw, shifts.shape[0] - 1)
    return p, observed / max(float(null.mean()), 1e-9)
