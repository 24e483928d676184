"""Load balancing: rates that are more equal than independent users' rates are.

Null: the accounts are independent, and their counts spread, relative to their median, at most four times as densely as
the population's do (``stats.concentration`` with density 4). The population's counts are scaled to the cluster's median
and drawn anew as Poisson counts of that size, so that small counts, which are equal by themselves, are no finding.
Where counts are large, counts a day of life are tested likewise, for pools that live one after another. Accounts that
each run one public list have equal counts as well, so nothing is said where many accounts ask the same.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from iolaus.signals.base import Finding, Links, no_links
from iolaus.signals.log import DAY, Cluster, Log, activity, ends
from iolaus.signals.queue import shared_list
from iolaus.stats import cauchy_combination, concentration, population_interval

__all__ = ["BalanceSignal"]

_LEAST_ACCOUNTS: Final = 5
# The population's ranks are only as fine as it is large: so many others, and so many for each member.
_LEAST_POPULATION: Final = 100
_FOR_EACH: Final = 10
_LARGE: Final = 20
# Part of the accounts that ask what one asks; beyond it, some of them run one list.
_SHARED: Final = 0.3
_DENSITY: Final = 4.0
# A dispatcher serves nearly all of its accounts alike; half of a group with like rates is a group within it.
_SHARES: Final = (0.8, 1.0)
_SEED: Final = 20_260_104


class BalanceSignal:
    """Rates that are too equal."""

    name: Final = "balance"
    columns: Final = ()
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """None: equal rates test a cluster, they do not find one."""
        return no_links()

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Test counts and daily rates for concentration."""
        outside = np.ones(log.accounts, dtype=bool)
        outside[cluster.accounts] = False
        everything = activity(log).sent
        outside &= everything > 0
        if cluster.accounts.size < _LEAST_ACCOUNTS or outside.sum() < max(
            _LEAST_POPULATION, _FOR_EACH * cluster.accounts.size
        ):
            return None
        if shared_list(log, cluster) > _SHARED:
            return None
        own = np.bincount(log.account[cluster.core], minlength=log.accounts)
        members = cluster.accounts[own[cluster.accounts] > 0]
        p_values, widths = [], []
        for counts, reference in _views(log, cluster, own, everything, members, outside):
            p, width = _too_equal(counts, reference)
            p_values.append(p)
            widths.append(width)
        p = cauchy_combination(p_values)
        typical = float(np.median(own[members]))
        spread = float(np.quantile(own[members], 0.9) / max(np.quantile(own[members], 0.1), 1.0))
        return Finding(
            self.name,
            p,
            f"{members.size} accounts share the work evenly: about {typical:.0f} exchanges each, the busiest tenth at "
            f"{spread:.1f} times the quietest; as many other accounts spread over far more of the population's rates.",
            accounts=members[:8],
            values={"width": min(widths)},
        )


def _views(
    log: Log,
    cluster: Cluster,
    own: np.ndarray,
    everything: np.ndarray,
    members: np.ndarray,
    outside: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Counts of the members with those of the population; where they are large, a day of life as well."""
    yield own[members].astype(float), everything[outside].astype(float)
    if np.median(own[members]) >= _LARGE:
        mine = _days_of_life(*ends(log.account[cluster.core], log.at[cluster.core], log.accounts))
        theirs = _days_of_life(activity(log).first, activity(log).last)
        enough = outside & (everything >= _LARGE)
        if enough.sum() >= _LEAST_POPULATION:
            # As counts over one typical life, whole like those that they are compared with.
            typical = float(np.median(mine[members]))
            yield np.round((own / mine)[members] * typical), (everything / theirs)[enough] * typical


def _too_equal(values: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    scaled = reference * np.median(values) / np.median(reference)
    drawn = np.random.default_rng(_SEED).poisson(np.tile(scaled, -(-2000 // scaled.size))).astype(float)
    # Members were chosen for coming back; the population is held to the same.
    drawn = drawn[drawn >= max(values.min(), 1e-9)]
    if drawn.size < _LEAST_POPULATION:
        return 1.0, 1.0
    return concentration(*population_interval(drawn, values), density=_DENSITY, shares=_SHARES)


def _days_of_life(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Days between each account's first and last exchange, at least 1; float64 (A,)."""
    life: np.ndarray = np.maximum((last - first) / DAY, 1.0)
    return life
