"""Known necks: a confirmed campaign's own words, items and histories, and how rarely anybody else has them.

An exchange *takes a neck up* when it holds so many of the campaign's own shingles, or one of its prompts, or continues
one of its histories. What is the campaign's own is chosen on one half of the accounts that are in no campaign: shingles
that they write are left out. How rarely outsiders take the neck up is measured on the other half, by accounts: of A
accounts x have such an exchange; ``chance`` is the upper confidence bound of Clopper and Pearson (Biometrika 26, 1934)
on that share. The chance that one exchange of an outsider takes the neck up is at most the chance that the whole
account ever does.

Test of an account, exchange by exchange. Null: the account is an outsider, and each of its exchanges takes the neck up
with a chance of at most ``chance``, whatever came before. The first hit only draws attention; from the next exchange on
a bet is laid on each: a fortune is multiplied by q / chance where the exchange takes the neck up and by 1 - q where
not, for three stakes q, whose mean is the account's fortune. Under the null it is a supermartingale, so it ever reaches
1 / level with a chance of at most the level (Ville's inequality; Shafer, "Testing by betting", JRSS A 184, 2021): the
test may be read after every exchange. The level is ``ALPHA`` over the bets begun (Bonferroni), over ``LEAST_LOOKED`` of
them at least; who never takes a neck up costs nothing. The same prompt sent again is no second hit.

Where the null fails: an outsider with a *habit* takes a neck up again and again. Habits are measured by accounts, so
that no more than ``chance`` of the accounts have one; a neck that more than a thousandth of the outsiders take up is
not used, and those who did are left to the next judgement.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats as sps

from iolaus.signals import Cluster, Log
from iolaus.stream.keys import keys_table, slot_of
from iolaus.text.audience import shingle_name
from iolaus.text.jit import kernel

__all__ = ["ALPHA", "LEAST_LOOKED", "MOST_KEPT", "Neck", "count_held", "neck_of", "shares_above"]

ALPHA: Final = 0.01
LEAST_LOOKED: Final = 100_000
# How many shingles, prompts and histories of a campaign are remembered.
MOST_KEPT: Final = 4096
_CONFIDENCE: Final = 0.01
_HELD: Final = (2, 3, 4, 6, 9)
# A prompt shorter than this is anybody's.
_ITEM_TOKENS: Final = 12
_LEAST_OUTSIDE: Final = 40
# A campaign without words of its own is taken up by its prompts now and then.
_SOME: Final = 0.02
# What more outsiders than this take up is no neck: a habit comes back with whoever has it.
_MOST_TAKEN: Final = 0.001


@dataclass(frozen=True, slots=True)
class Neck:
    """What a campaign is known by.

    Attributes:
        phrases: uint64, its own shingles, sorted.
        items: uint64, hashes of its prompts, sorted; empty where they are other people's as well.
        histories: uint64, hashes of the histories that it continues, sorted.
        held: shingles that an exchange must hold.
        chance: bound on the chance that an outsider's exchange takes it up.
        outside: accounts in no campaign that it was measured on, and
        takers: int64, places in the log of those of them that had an exchange which takes it up.
        usual: share of the campaign's own exchanges that do.
    """

    phrases: np.ndarray
    items: np.ndarray
    histories: np.ndarray
    held: int
    chance: float
    outside: int
    takers: np.ndarray
    usual: float


@kernel
def count_held(bins: np.ndarray, held: np.ndarray, of: np.ndarray, out: np.ndarray) -> None:
    """How many distinct shingles of each neck every sketch holds; ``out`` is (n, necks)."""
    for row in range(bins.shape[0]):
        for place in range(bins.shape[1]):
            name = shingle_name(bins, row, place)
            if name != 0:
                slot = slot_of(held, name)
                if held[slot] != 0:
                    out[row, of[slot]] += 1


def shares_above(x: int, n: int, confidence: float) -> float:
    """Clopper and Pearson's upper bound on a share of which x in n was seen."""
    return 1.0 if x >= n else float(sps.beta.ppf(1.0 - confidence, x + 1, n - x))


def neck_of(log: Log, cluster: Cluster, outside: np.ndarray, history: np.ndarray) -> Neck | None:
    """Measure a campaign's neck.

    How many shingles an exchange must hold, and whether prompts and histories count, is chosen so that the campaign's
    own exchanges win most by the bets; the bounds allow for having chosen.

    Args:
        log: the log.
        cluster: the campaign's.
        outside: bool (A,), accounts in no campaign that have exchanges.
        history: uint64 (N,), hash of every exchange's history digest, 0 where none.

    Returns:
        The neck, None where nothing sets the campaign apart, or where too few others are there to tell.
    """
    if outside.sum() < _LEAST_OUTSIDE:
        return None
    core = cluster.core
    apart, measured = outside.copy(), outside.copy()
    apart[np.flatnonzero(outside)[1::2]] = False
    measured[apart] = False
    others = int(measured.sum())
    phrases = _own(log, _spread(np.unique(cluster.phrases)), apart)
    items = _spread(np.unique(log.item[core][log.tokens[core] >= _ITEM_TOKENS]))
    histories = _spread(np.unique(history[core][history[core] != 0]))
    held = np.zeros((log.exchanges, 1), dtype=np.int16)
    if phrases.size:
        count_held(log.shingles, *keys_table(phrases, np.zeros(phrases.size)), held)
    known = np.isin(log.item, items) | np.isin(history, histories)
    strange = measured[log.account]
    choices = [(least, also) for least in _HELD for also in (False, True) if phrases.size or (also and least == 2)]
    best: Neck | None = None
    won = 0.0
    for least, also in choices:
        taken = (held[:, 0] >= least) | known if also else held[:, 0] >= least
        takers = np.unique(log.account[taken & strange]).astype(np.int64)
        chance = shares_above(takers.size, others, _CONFIDENCE / len(choices))
        usual = max(_usual(held[core, 0] >= least, log.account[core]), _SOME if also and known.any() else 0.0)
        gain = usual * np.log(0.5 / chance)
        # Of equals the later: prompts and histories count where they cost nothing.
        if takers.size <= _MOST_TAKEN * others and usual > 0.0 and gain >= won:
            rest = (items, histories) if also else (items[:0], histories[:0])
            best, won = Neck(phrases, *rest, least, chance, others, takers, usual), gain
    return best


def _own(log: Log, phrases: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Shingles without those that more than a thousandth of some accounts, bool (A,), write."""
    if not phrases.size:
        return phrases
    rows = np.flatnonzero(apart[log.account])
    rows = rows[np.argsort(log.account[rows], kind="stable")]
    holders = np.zeros(phrases.size, dtype=np.int64)
    _holders(log.shingles, log.account, rows, *keys_table(phrases, np.arange(phrases.size)), holders)
    own: np.ndarray = phrases[holders <= _MOST_TAKEN * apart.sum()]
    return own


@kernel
def _holders(
    bins: np.ndarray, account: np.ndarray, rows: np.ndarray, held: np.ndarray, of: np.ndarray, holders: np.ndarray
) -> None:
    """Count the accounts that write each shingle; rows are sorted by account."""
    newest = np.full(holders.shape[0], -1, dtype=np.int64)
    for row in rows:
        for place in range(bins.shape[1]):
            name = shingle_name(bins, row, place)
            if name != 0:
                slot = slot_of(held, name)
                if held[slot] != 0 and newest[of[slot]] != account[row]:
                    newest[of[slot]] = account[row]
                    holders[of[slot]] += 1


def _usual(worded: np.ndarray, account: np.ndarray) -> float:
    """How often the median member takes the neck up by its words; prompts are the members' own by construction."""
    _, place, sent = np.unique(account, return_inverse=True, return_counts=True)
    return float(np.median(np.bincount(place, weights=worded.astype(float)) / sent))


def _spread(values: np.ndarray) -> np.ndarray:
    """At most ``MOST_KEPT`` of sorted hashes, the least ones, which is a fair sample."""
    return values[:MOST_KEPT]
