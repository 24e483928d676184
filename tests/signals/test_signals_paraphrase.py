"""Paraphrase: accounts with tastes of their own are no finding; accounts that draw on one pool are."""

import numpy as np
import pyarrow as pa
import pytest
from signals_logs import LETTERS, START, assert_super_uniform, cluster_of, make_log, share_below

from iolaus.signals import DAY
from iolaus.signals.paraphrase import ParaphraseSignal, one_pool
from iolaus.text import recurring_shingles, sketch_prompts

SEEDS = 400
WORDINGS = 4


def wordings(rng, counts, *, places, taste, popularity=(1, 1, 1, 1)):
    """How often each account used each wording, and which stand in for each other.

    Args:
        counts: prompts of each account; each prompt uses one wording a place.
        places: how many places of the template have wordings of their own.
        taste: intraclass correlation of the accounts' choices (Dirichlet multinomial); 0 for one pool.
        popularity: of the wordings of a place, over all accounts.
    """
    share = np.array(popularity) / np.sum(popularity)
    uses = np.zeros((counts.size, places * WORDINGS))
    for place in range(places):
        for account, count in enumerate(counts):
            own = share if taste == 0 else rng.dirichlet(share * (1 / taste - 1))
            uses[account, place * WORDINGS : (place + 1) * WORDINGS] = rng.multinomial(count, own)
    of = np.arange(places * WORDINGS) // WORDINGS
    return uses, (of[:, None] == of[None, :]) & ~np.eye(of.size, dtype=bool)


def p_values(counts_of, **how):
    found = []
    for seed in range(SEEDS):
        rng = np.random.default_rng([1, seed])
        found.append(one_pool(*wordings(rng, counts_of(rng), **how))[0])
    return found


ACCOUNTS = {
    "5 of 10 prompts": lambda rng: np.full(5, 10),
    "8 of 30 prompts": lambda rng: np.full(8, 30),
    "20 of 15 prompts": lambda rng: np.full(20, 15),
    "8 of 3 to 60 prompts": lambda rng: rng.integers(3, 61, 8),
}
PLACES = [1, 3, 6]


@pytest.mark.parametrize("taste", [0.2, 0.3])
@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("counts", ACCOUNTS)
def test_tastes_of_their_own_are_no_finding(counts, places, taste):
    assert_super_uniform(p_values(ACCOUNTS[counts], places=places, taste=taste))


@pytest.mark.parametrize("popularity", [(4, 2, 1, 1), (8, 1, 1, 1)])
def test_tastes_among_wordings_of_unlike_popularity_are_no_finding(popularity):
    assert_super_uniform(p_values(ACCOUNTS["8 of 30 prompts"], places=3, taste=0.2, popularity=popularity))


@pytest.mark.parametrize("counts", ["8 of 30 prompts", "8 of 3 to 60 prompts"])
def test_one_pool_is_found(counts):
    assert share_below(p_values(ACCOUNTS[counts], places=3, taste=0), 0.01) > 0.9
