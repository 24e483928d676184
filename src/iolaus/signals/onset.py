"""Onset: accounts that were created, began, or ended together.

Null: the accounts are independent, and each instant (creation, first and last own exchange) falls into any stretch of
the population's with at most twice that stretch's share (``stats.concentration``); the three instants are joined by a
Cauchy combination. Accounts that were already there when the log begins are ties and count for nothing.
"""

from typing import Final

from iolaus.signals.base import Finding, Links, no_links
from iolaus.signals.log import UNKNOWN_TIME, Cluster, Log, activity, ends
from iolaus.stats import cauchy_combination, concentration, population_interval

__all__ = ["OnsetSignal"]

_LEAST_ACCOUNTS: Final = 5
# The population's ranks are only as fine as it is large: so many others, and so many for each member.
_LEAST_POPULATION: Final = 100
_FOR_EACH: Final = 10


class OnsetSignal:
    """Instants that lie too close together."""

    name: Final = "onset"
    columns: Final = ()
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """None: many strangers begin on one day."""
        return no_links()

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Test first and last activity, and creation where it is known."""
        first, last = activity(log).first, activity(log).last
        own_first, own_last = ends(log.account[cluster.core], log.at[cluster.core], log.accounts)
        outside = first != UNKNOWN_TIME
        outside[cluster.accounts] = False
        members = cluster.accounts[own_first[cluster.accounts] != UNKNOWN_TIME]
        if members.size < _LEAST_ACCOUNTS or outside.sum() < max(_LEAST_POPULATION, _FOR_EACH * cluster.accounts.size):
            return None
        tests = {
            "began": concentration(*population_interval(first[outside], own_first[members])),
            "ended": concentration(*population_interval(last[outside], own_last[members])),
        }
        known = log.created != UNKNOWN_TIME
        if (known & outside).sum() >= _LEAST_POPULATION:
            created = log.created[cluster.accounts][known[cluster.accounts]]
            tests["were created"] = concentration(*population_interval(log.created[known & outside], created))
        p = cauchy_combination([p for p, _ in tests.values()])
        what = min(tests, key=lambda name: tests[name][0])
        return Finding(
            self.name,
            p,
            f"{members.size} accounts {what} together: most fall within a stretch in which {tests[what][1]:.1%} of "
            "the other accounts do.",
            accounts=members[:8],
            values={"width": tests[what][1]},
        )
