"""Work queue: one list of items dealt out to accounts.

Two exact tests, joined by a Cauchy combination.

*Dealt in turn.* Statistic: neighbouring exchanges of the same account in the pooled sequence; a dispatcher that goes
round its accounts leaves too few. Two nulls, and the greater p-value counts. Each account keeps its own stream, bursts
and regularity included, but the streams' phases are independent: each is shifted by a random time of up to four of its
typical gaps (timers that tick alike are no finding). And who sends is exchangeable among exchanges that are close in
time: independent people come in bursts, which only adds neighbours (a crowd before a deadline, everyone once, is no
finding).

*Asked exactly k times.* Null: each account asks different items of one list, independently of the others. Whatever
the items' popularity is, they repeat more unevenly than under equal popularity, so the null draws them equally and is
conservative. Statistic: the variance of how many accounts ask an item, over the items that come again; n-best sampling
over accounts leaves too small a one. The list may be all that is asked or what comes again alone, and the greater
p-value counts: accounts that each run one whole list are just what the null expects, whatever else they ask. It says
nothing where no item comes twice.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy import sparse

from iolaus.signals.base import Finding, Links, no_links
from iolaus.signals.log import Cluster, Log, distinct_pairs
from iolaus.stats import cauchy_combination, sequential_tail

__all__ = ["QueueSignal", "shared_list"]

_DRAWS: Final = 400
_MOST: Final = 2_500
_REACH: Final = 4.0
# Exchanges that count as close in time.
_BLOCK: Final = 24
_MOST_ASKERS: Final = 60
# An account that asks such a part of what the busiest one does has its share of what comes again.
_BUSY: Final = 0.2
# Of two accounts that would ask so many items in common, below which part of it they seldom do, and of how many pairs.
_MET: Final = 5.0
_SELDOM: Final = 0.1
_STRANGERS: Final = 0.1
_MOST_CELLS: Final = 200_000
_SEED: Final = 20_260_102


def shared_list(log: Log, cluster: Cluster) -> float:
    """How far the accounts all ask the same: mean over items, weighted by askers, of the share of accounts that ask.

    Near 1 where every account runs one list, near 1/m where each item goes to one account.
    """
    asked = _askings(log, cluster)
    if asked.size == 0:
        return 0.0
    _, askers = np.unique(log.item[asked], return_counts=True)
    m = np.unique(log.account[asked]).size
    if m < 2:
        return 0.0
    # The chance that another account of the cluster asks an item that one account asks.
    return float(((askers - 1) * askers).sum() / (askers.sum() * (m - 1)))


def _askings(log: Log, cluster: Cluster) -> np.ndarray:
    """One exchange for every distinct (item, account) pair of the core; int64."""
    pairs: np.ndarray = cluster.core[distinct_pairs(log.item[cluster.core], log.account[cluster.core])]
    return pairs


class QueueSignal:
    """Items dealt out over accounts."""

    name: Final = "queue"
    columns: Final = ()
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """None: a queue is tested within what families link."""
        return no_links()

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Test for dealing in turn and for exactly-k repeats."""
        if cluster.accounts.size < 3 or cluster.core.size < 4 * cluster.accounts.size:
            return None
        rng = np.random.default_rng(_SEED)
        turns, adjacent, expected = _dealt_in_turn(
            log.account[cluster.core[:_MOST]], log.at[cluster.core[:_MOST]].astype(float), rng
        )
        asked = _askings(log, cluster)
        exactly, repeats = _exactly_k(log.item[asked], log.account[asked], rng)
        p = cauchy_combination([turns, exactly])
        if turns <= exactly:
            statement = (
                f"The accounts take turns: {adjacent} neighbouring exchanges come from the same account, where "
                f"independent streams would give {expected:.0f}."
            )
        else:
            statement = f"Items are asked by almost exactly {repeats:.1f} accounts each, more evenly than chance."
        return Finding(
            self.name, p, statement, exchanges=cluster.core[:8], accounts=cluster.accounts[:8],
            values={"adjacent": float(adjacent), "repeats": repeats},
        )  # fmt: skip


def _dealt_in_turn(labels: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> tuple[float, int, float]:
    """p-value, adjacent pairs seen, and how many the null that explains them better has on average."""
    _, who = np.unique(labels, return_inverse=True)
    observed = _adjacent(who)
    order = np.lexsort((at, who))
    gaps = np.diff(at[order])[who[order][1:] == who[order][:-1]]
    if gaps.size == 0:
        return 1.0, observed, 0.0
    reach = _REACH * max(float(np.median(gaps)), 1.0)
    block = max(_BLOCK, 2 * (int(who.max()) + 1))
    # Whole blocks, the last one filled up with keys that sort behind all others.
    keys = np.full((-(-who.size // block), block), 2.0)

    def shifted() -> int:
        moved = at + rng.uniform(-reach, reach, size=int(who.max()) + 1)[who]
        return _adjacent(who[_order(moved)])

    def dealt() -> int:
        keys.ravel()[: who.size] = rng.random(who.size)
        within = np.argsort(keys, axis=1, kind="stable") + block * np.arange(keys.shape[0])[:, None]
        return _adjacent(who[within.ravel()[: who.size]])

    # Small counts tie often; without a coin to break the ties the p-value is conservative.
    outcomes = [sequential_tail(-observed, _less(null), _DRAWS // 2) for null in (shifted, dealt)]
    p, expected = max((p, -float(null.mean())) for p, null in outcomes)
    return p, observed, expected


def _less(statistic: Callable[[], float]) -> Callable[[int], np.ndarray]:
    """So many draws of a statistic of which little is remarkable."""
    return lambda n: np.array([-statistic() for _ in range(n)], dtype=float)


def _order(values: np.ndarray) -> np.ndarray:
    """Stable order; the quick sort is several times as fast, and stable where no two values are the same."""
    order = np.argsort(values)
    found = values[order]
    return np.argsort(values, kind="stable") if (found[1:] == found[:-1]).any() else order


def _adjacent(who: np.ndarray) -> int:
    return int((who[1:] == who[:-1]).sum())


def _exactly_k(item: np.ndarray, account: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """p-value, and askers an item that comes again, from distinct (item, account) pairs."""
    people, who = np.unique(account, return_inverse=True)
    if people.size > _MOST_ASKERS:
        kept = who < _MOST_ASKERS
        item, who = item[kept], who[kept]
    _, which, askers = np.unique(item, return_inverse=True, return_counts=True)
    again = askers >= 2
    repeats = float(askers[again].mean()) if again.any() else 1.0
    own = np.bincount(who[again[which]], minlength=who.max(initial=-1) + 1)
    # Items that go to k of many accounts are dealt; items of the same few accounts are what these few have in common.
    busy = int((own >= _BUSY * own.max(initial=0)).sum())
    if not again.any() or busy < max(repeats + 0.5, own.size / 2) or _apart(which, who, again):
        return 1.0, repeats
    # Beside a list that each runs, what is asked once makes the list look longer than it is: two lists are compared.
    p = max(_too_even(askers, np.bincount(who), rng), _too_even(askers[again], own[own > 0], rng))
    return p, repeats


def _apart(item: np.ndarray, account: np.ndarray, again: np.ndarray) -> bool:
    """Whether there are several lists: accounts that seldom ask the same, where one list's readers or dealer would.

    Args:
        item: int64 (e,), numbered from 0.
        account: int64 (e,), by whom, numbered from 0.
        again: bool (i,), the items that come again.
    """
    kept = again[item]
    table = sparse.coo_matrix((np.ones(kept.sum()), (item[kept], account[kept])), shape=(again.size, account.max() + 1))
    together = (table.T @ table).toarray()
    own = np.diag(together)
    expected = np.outer(own, own) / max(int(again.sum()), 1)
    pairs = np.triu(expected >= _MET, 1)
    return bool(pairs.any()) and float((together < _SELDOM * expected)[pairs].mean()) > _STRANGERS


def _too_even(askers: np.ndarray, asked: np.ndarray, rng: np.random.Generator) -> float:
    """p-value of so little spread of the askers of what comes again.

    Args:
        askers: int64 (i,), accounts that ask each item.
        asked: int64 (a,), items that each account asks.
        rng: draws the null.
    """
    items, draws = askers.size, int(askers.sum())
    if items < 5 or draws < 1.2 * items:
        return 1.0
    universe = _universe(items, asked)
    if universe * asked.size > _MOST_CELLS:
        return 1.0

    def drawn() -> float:
        # Each account asks as many different items as it did, any of the list alike.
        keys = rng.random((asked.size, universe), dtype=np.float32)
        least = np.take_along_axis(np.sort(keys, axis=1), asked[:, None] - 1, axis=1)
        return _spread((keys <= least).sum(axis=0))

    p, _ = sequential_tail(-_spread(askers), _less(drawn), _DRAWS // 4)
    return p


def _spread(askers: np.ndarray) -> float:
    """Variance of how many accounts ask an item, over those that several ask."""
    again = askers[askers >= 2]
    return float(again.var()) if again.size else 0.0


def _universe(items: int, asked: np.ndarray) -> int:
    """Size of an equally popular list of which these accounts would together see ``items`` (moment estimate)."""
    low, high = float(max(items, asked.max())), 1e9
    for _ in range(60):
        middle = (low + high) / 2
        unseen = np.exp(np.log1p(-np.minimum(asked / middle, 1 - 1e-12)).sum())
        if middle * (1 - unseen) < items:
            low = middle
        else:
            high = middle
    return max(round(low), items)
