"""Paraphrase: accounts with tastes of their own are no finding; accounts that draw on one pool are."""

import numpy as np
import pyarrow as pa
import pytest
from signals_logs import LETTERS, START, assert_super_uniform, cluster_of, make_log, share_below

from iolaus.signals import DAY
from iolaus.signals.paraphrase import ParaphraseSignal, one_pool
from iolaus.text import recurring_shingles, sketch_prompts

SEEDS = 200
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
PLACES = [1, 6]


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


TEMPLATE = (
    ("read the essay below with care", "go through this essay slowly", "study the following essay closely"),
    (
        "list every claim that lacks proof",
        "name all statements nobody has shown",
        "find what is said without support",
    ),
    ("rank them by how much harm they do", "order those from worst to mildest", "sort the lot according to damage"),
    ("close with one line of advice", "finish on a single short tip", "end by saying what to mend first"),
)  # fmt: skip


def written(rng, *, taste, members=8, each=24):
    """A log in which members fill a template whose four parts are worded in three ways each; strangers write freely."""
    account, prompts = [], []
    for who in range(60):
        favourite = [rng.dirichlet(np.full(3, (1 / taste - 1) / 3)) if taste else np.full(3, 1 / 3) for _ in TEMPLATE]
        for _ in range(each):
            words = " ".join(str(n).translate(LETTERS) for n in rng.integers(10_000, 99_999, 6))
            parts = [part[rng.choice(3, p=own)] for part, own in zip(TEMPLATE, favourite, strict=True)]
            prompts.append(", ".join(parts) + ": " + words if who < members else words)
            account.append(who)
    bins = sketch_prompts(pa.array(prompts), pa.nulls(len(prompts), pa.string())).bins
    log = make_log(account, START + rng.integers(0, 9 * DAY, len(account)), shingles=bins)
    shared = recurring_shingles(log.shingles, log.account, np.arange(log.exchanges), log.accounts)
    return log, cluster_of(log, range(members), phrases=shared.name, formed_by="wording", cohesion=0.9)


def test_one_programs_wordings_are_found_in_what_was_written():
    for seed in range(3):
        finding = ParaphraseSignal().judge(*written(np.random.default_rng([2, seed]), taste=0))
        assert finding.p_value <= 0.01
        assert finding.statement.startswith("8 of 8 accounts say one thing in ever other words")


def test_peoples_own_wordings_of_one_template_are_no_finding():
    findings = [ParaphraseSignal().judge(*written(np.random.default_rng([3, s]), taste=0.4)) for s in range(6)]
    assert all(finding.p_value > 0.05 for finding in findings)
