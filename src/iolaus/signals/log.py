"""What signals read: the exchange log as columns of numbers, and a cluster to be judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np

from iolaus.text.words import Words, no_words

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "UNKNOWN_TIME",
    "Activity",
    "Cluster",
    "Log",
    "activity",
    "distinct_pairs",
    "ends",
    "rows_of",
]

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
UNKNOWN_TIME: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """N exchanges of A accounts, sorted by time, then exchange id.

    Attributes:
        account: int32 (N,), index of the account, in the order of account ids.
        at: int64 (N,), microseconds since 1970, UTC.
        item: uint64 (N,), hash of the whole prompt with case and spacing folded.
        family: int32 (N,), prompt family, -1 where none.
        tokens: int32 (N,), tokens of the prompt as the sketch counts them.
        fresh: float32 (N,), share of the prompt's words that fewer than three accounts ever wrote.
        shingles: uint32 (N, B), the prompts' sketches: four regions of sampled shingles, 0 where a place is empty.
        flags: uint32 (N,), one bit a capability that the prompt's words name.
        codes: by column name, int32 (N,) category codes, -1 where null; a column that no row fills is absent.
        numbers: by column name, int64 (N,), -1 where null; a column that no row fills is absent.
        account_codes: by column of the account table, int32 (A,), -1 where null; absent where no account has it.
        created: int64 (A,) instants or ``UNKNOWN_TIME``.
        closed: int64 (A,) instants or ``UNKNOWN_TIME``.
        vector_rows: int64 (v,), sorted exchange indices whose prompts have a vector: a sample.
        vectors: float32 (v, D), what those prompts are about; each of length 1.
        words: the words and pairs that those prompts hold.
    """

    account: np.ndarray
    at: np.ndarray
    item: np.ndarray
    family: np.ndarray
    tokens: np.ndarray
    fresh: np.ndarray
    shingles: np.ndarray
    flags: np.ndarray
    codes: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]
    account_codes: Mapping[str, np.ndarray]
    created: np.ndarray
    closed: np.ndarray
    vector_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 1), np.float32))
    words: Words = field(default_factory=no_words)

    @property
    def exchanges(self) -> int:
        """N."""
        return int(self.account.size)

    @property
    def accounts(self) -> int:
        """A."""
        return int(self.created.size)

    def has(self, column: str) -> bool:
        """Whether any row or account fills the column."""
        if column == "created_at":
            return bool((self.created != UNKNOWN_TIME).any())
        if column == "closed_at":
            return bool((self.closed != UNKNOWN_TIME).any())
        return column in self.codes or column in self.numbers or column in self.account_codes


@dataclass(frozen=True, slots=True)
class Activity:
    """What each account did in the whole log, (A,) each.

    Attributes:
        sent: int64, exchanges.
        first: int64, instant of the first, ``UNKNOWN_TIME`` where there is none.
        last: int64, of the last.
    """

    sent: np.ndarray
    first: np.ndarray
    last: np.ndarray


@lru_cache(maxsize=2)
def activity(log: Log) -> Activity:
    """Exchanges of each account, and when it sent the first and the last of them."""
    return Activity(np.bincount(log.account, minlength=log.accounts), *ends(log.account, log.at, log.accounts))


@lru_cache(maxsize=2)
def _by_account(log: Log) -> tuple[np.ndarray, np.ndarray]:
    """Exchanges sorted by account, then time, int64 (N,); where each account's begin, int64 (A + 1,)."""
    return np.argsort(log.account, kind="stable"), np.r_[0, np.cumsum(activity(log).sent)]


def rows_of(log: Log, accounts: np.ndarray) -> np.ndarray:
    """All exchanges of some accounts, int (m,); sorted int64."""
    order, start = _by_account(log)
    return np.sort(np.concatenate([order[start[a] : start[a + 1]] for a in accounts])) if accounts.size else order[:0]


def ends(account: np.ndarray, at: np.ndarray, accounts: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last instant of each account among some exchanges; int64 (A,), ``UNKNOWN_TIME`` where it has none."""
    first = np.full(accounts, np.iinfo(np.int64).max)
    last = np.full(accounts, UNKNOWN_TIME)
    np.minimum.at(first, account, at)
    np.maximum.at(last, account, at)
    first[last == UNKNOWN_TIME] = UNKNOWN_TIME
    return first, last


def distinct_pairs(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Indices of one row for every distinct pair of values, in no particular order of values; int64.

    Pairs are told apart by a 64-bit hash: two of a billion pairs collide with a chance of about one in forty.
    """
    key = left.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ (right.astype(np.uint64) + np.uint64(1)) * np.uint64(
        0xC2B2AE3D27D4EB4F
    )
    _, first = np.unique(key, return_index=True)
    return first


@dataclass(frozen=True, slots=True)
class Cluster:
    """Accounts that hang together, without judgement.

    Attributes:
        accounts: int32 (m,), sorted account indices.
        core: int64 (e,), sorted indices of the exchanges that the cluster shares (its own families); where it was not
            formed by text, all exchanges of its accounts.
        families: int32 (f,), the families that are its own, sorted; empty where none formed it.
        phrases: uint64 (s,), the shingles that are its own, sorted; empty where none formed it.
        formed_by: name of the signal whose links formed it. That signal does not also testify.
        cohesion: how well its accounts and its words agree, 0 to 1: the mean Jaccard index of its shingles' audiences
            with its accounts; 0 where no words formed it.
    """

    accounts: np.ndarray
    core: np.ndarray
    families: np.ndarray
    formed_by: str
    phrases: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    cohesion: float = 0.0

    @property
    def of_text(self) -> bool:
        """Whether shared text formed it, so that its core is only what it shares."""
        return self.families.size > 0 or self.phrases.size > 0
