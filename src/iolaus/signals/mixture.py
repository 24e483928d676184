"""One queue by its mark: accounts whose exchanges are as alike across accounts as within each.

Independent users each have their own subjects and their own ways, also behind one template: what an account asks, and
when, with which client, model and settings, resembles what it did before more than what others do. Work dealt out at
random over accounts that one program runs leaves no such mark. Statistic: the mean similarity of two exchanges of one
account, after the cluster's own mean is taken away (and with it the template), averaged over accounts. Similarity is
that of what is asked (the words that an account puts into half of its prompts are taken out) and that of the columns
that say how, in equal parts. Only first messages of conversations count, and a prompt that an account repeats counts
once.

Null: the accounts are at least a quarter as distinct from each other as accounts of the population are; sets of as many
accounts, with as many prompts each, are drawn and measured alike. Accounts behind one tool are more alike than any
set of accounts even without a queue, so the p-value is never below ``FLOOR``: this evidence supports others and
decides nothing.
"""

from functools import lru_cache
from typing import Final

import numpy as np

from iolaus.signals.base import Finding, Links, no_links
from iolaus.signals.log import HOUR, Cluster, Log
from iolaus.stats import sequential_tail
from iolaus.text.jit import kernel

__all__ = ["MixtureSignal", "sample_for_vectors"]

PER_ACCOUNT: Final = 20
LEAST_PER_ACCOUNT: Final = 8
MOST_VECTORS: Final = 120_000
_LEAST_ACCOUNTS: Final = 5
_LEAST_REFERENCE: Final = 30
FLOOR: Final = 0.05
_PART: Final = 0.25
_DRAWS: Final = 100
_MOST_ACCOUNTS: Final = 30
_SEED: Final = 20_260_105
# Columns that say how an exchange was sent; the hour counts in classes of so many.
_WAYS: Final = ("channel", "request_model", "settings", "user_agent")
_HOURS: Final = 4
_WIDTH: Final = 32


def sample_for_vectors(log: Log) -> np.ndarray:
    """Exchanges that get a vector: up to ``PER_ACCOUNT`` distinct first messages of each account; sorted int64.

    Where those were more than ``MOST_VECTORS``, fewer of each account are taken, ``LEAST_PER_ACCOUNT`` at least, and
    then whole accounts are left out. The choice falls on the least of a hash of prompt and account, which does not
    depend on the order of rows.
    """
    return np.sort(_thinned(log, np.flatnonzero(_first_messages(log)), MOST_VECTORS))


def _first_messages(log: Log) -> np.ndarray:
    if "turn" not in log.numbers:
        return np.ones(log.exchanges, dtype=bool)
    first: np.ndarray = log.numbers["turn"] <= 1
    return first


def _thinned(log: Log, rows: np.ndarray, most: int) -> np.ndarray:
    """Distinct prompts of each account, as many as ``most`` rows in all allow; at last whole accounts are left out."""
    key = (log.item[rows] ^ (log.account[rows].astype(np.uint64) << np.uint64(40))) * np.uint64(0x9E3779B97F4A7C15)
    order = np.lexsort((key, log.account[rows]))
    rows, account, key = rows[order], log.account[rows][order], key[order]
    fresh = np.ones(rows.size, dtype=bool)
    fresh[1:] = (account[1:] != account[:-1]) | (key[1:] != key[:-1])
    rows, account = rows[fresh], account[fresh]
    starts = np.flatnonzero(np.r_[True, account[1:] != account[:-1]]) if rows.size else np.zeros(0, np.int64)
    rank = np.arange(rows.size) - np.repeat(starts, np.diff(np.r_[starts, rows.size]))
    # In a large log fewer of each account, so that every account is known.
    each = PER_ACCOUNT
    while each > LEAST_PER_ACCOUNT and (rank < each).sum() > most:
        each -= 1
    kept = rank < each
    rows, account = rows[kept], account[kept]
    if rows.size <= most:
        return rows
    people = np.unique(account)
    shuffled = np.argsort((people.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))
    sizes = np.bincount(np.searchsorted(people, account))[shuffled]
    taken = people[shuffled[np.cumsum(sizes) <= most]]
    return rows[np.isin(account, taken)]


class MixtureSignal:
    """Content as mixed within accounts as between them."""

    name: Final = "mixture"
    columns: Final = ()
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """None: it tests what others link."""
        return no_links()

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Compare the cluster's inner similarity with that of sets of outside accounts."""
        vectors, sizes = _by_account(log, _sampled(log, _thinned_core(log, cluster)))
        reference, reference_sizes = _reference(log)
        if sizes.size < _LEAST_ACCOUNTS or reference_sizes.size < max(_LEAST_REFERENCE, sizes.size):
            return None
        observed = _own_mark(vectors, np.arange(vectors.shape[0]), sizes)
        rng = np.random.default_rng(_SEED)
        starts = np.r_[0, np.cumsum(reference_sizes)[:-1]]

        def unrelated(draws: int) -> np.ndarray:
            marks = np.empty(draws)
            for draw in range(draws):
                who = rng.choice(reference_sizes.size, size=sizes.size, replace=False)
                want = np.minimum(sizes, reference_sizes[who])
                within = np.arange(want.sum()) - np.repeat(np.cumsum(want) - want, want)
                marks[draw] = _own_mark(reference, np.repeat(starts[who], want) + within, want)
            return -marks

        # The null's mean is moved and its spread kept: so few exchanges are as noisy whatever they are about.
        p, null = sequential_tail(-observed, unrelated, _DRAWS, lambda null: null - (1.0 - _PART) * null.mean())
        usual = -float(null.mean())
        return Finding(
            self.name,
            max(p, FLOOR),
            f"What {sizes.size} accounts ask, and how, is mixed as if dealt from one queue: an account's exchanges "
            f"resemble each other by {observed:.3f}, where {usual:.3f} is usual for as many unrelated accounts.",
            exchanges=cluster.core[:8],
            accounts=cluster.accounts[:8],
            values={"own_mark": observed},
        )


def _sampled(log: Log, rows: np.ndarray) -> np.ndarray:
    """Those of the rows, sorted int64, that have a vector."""
    place = np.minimum(np.searchsorted(log.vector_rows, rows), log.vector_rows.size - 1)
    return rows[log.vector_rows[place] == rows] if log.vector_rows.size else rows[:0]


def _thinned_core(log: Log, cluster: Cluster) -> np.ndarray:
    """The core's exchanges, of at most ``_MOST_ACCOUNTS`` accounts spread over the cluster."""
    if cluster.accounts.size <= _MOST_ACCOUNTS:
        return cluster.core
    chosen = cluster.accounts[np.linspace(0, cluster.accounts.size - 1, _MOST_ACCOUNTS).astype(int)]
    return cluster.core[np.isin(log.account[cluster.core], chosen)]


@lru_cache(maxsize=2)
def _reference(log: Log) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of the sampled accounts, sorted by account, and how many each has."""
    return _by_account(log, log.vector_rows)


@lru_cache(maxsize=2)
def _marks(log: Log) -> np.ndarray:
    """What each sampled exchange asks, beside how it was sent: one unit place a column, by its hashed value."""
    rows = log.vector_rows
    ways = [(log.at[rows] // HOUR % 24 // _HOURS).astype(np.int64)]
    ways.append(np.log2(np.maximum(log.tokens[rows], 1)).astype(np.int64))
    ways += [log.codes[name][rows].astype(np.int64) for name in _WAYS if name in log.codes]
    out = np.zeros((rows.size, _WIDTH * len(ways)), dtype=np.float32)
    for column, values in enumerate(ways):
        place = (values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(59)).astype(np.int64)
        out[np.arange(rows.size), column * _WIDTH + place % _WIDTH] = 1.0 / np.sqrt(len(ways))
    return np.concatenate([log.vectors, out], axis=1)


def _by_account(log: Log, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors sorted by account, of accounts with two or more, and how many each has."""
    account = log.account[rows]
    order = np.argsort(account, kind="stable")
    rows, account = rows[order], account[order]
    _, inverse, counts = np.unique(account, return_inverse=True, return_counts=True)
    kept = counts[inverse] >= 2
    vectors = _marks(log)[np.searchsorted(log.vector_rows, rows[kept])]
    return vectors, counts[counts >= 2]


@kernel
def _centred(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The chosen rows less their mean; float32."""
    out = np.empty((rows.shape[0], vectors.shape[1]), dtype=np.float32)
    mean = np.zeros(vectors.shape[1], dtype=np.float32)
    for i in range(rows.shape[0]):
        row = rows[i]
        for j in range(vectors.shape[1]):
            out[i, j] = vectors[row, j]
            mean[j] += vectors[row, j]
    for j in range(vectors.shape[1]):
        mean[j] = np.float32(np.float64(mean[j]) / rows.shape[0])
    for i in range(rows.shape[0]):
        for j in range(vectors.shape[1]):
            out[i, j] -= mean[j]
    return out


def _own_mark(vectors: np.ndarray, rows: np.ndarray, sizes: np.ndarray) -> float:
    """Mean similarity of two prompts of one account, less the set's mean; 0 without subjects of one's own.

    Args:
        vectors: float32 (v, D).
        rows: int64 (e,), which of them, account by account.
        sizes: int64 (a,), how many rows each account has.
    """
    centred = _centred(vectors, rows)
    squares = np.einsum("ij,ij->i", centred, centred)
    sums = np.add.reduceat(centred, np.r_[0, np.cumsum(sizes)[:-1]], axis=0)
    cross = np.einsum("ij,ij->i", sums, sums) - np.add.reduceat(squares, np.r_[0, np.cumsum(sizes)[:-1]])
    # Each account counts alike, whatever the number of its prompts.
    return float((cross / (sizes * (sizes - 1))).mean() / max(float(squares.mean()), 1e-12))
