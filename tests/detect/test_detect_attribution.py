"""Attribution: an account's own cover stays out, what carries the campaign's words comes in."""

import numpy as np
import pytest

from iolaus.detect.attribution import attributed
from iolaus.signals import UNKNOWN_TIME, Cluster, Log
from iolaus.text import BINS

MEMBERS, EACH = 6, 40


def a_log(cover: int) -> tuple[Log, Cluster, np.ndarray]:
    """Six members with ``cover`` of 40 exchanges as cover under their own system text, among as many strangers.

    Half of what is harvested holds the campaign's twelve shingles, and a third of that is in the cluster's core. The
    mask says what is harvested.
    """
    n = 2 * MEMBERS * EACH
    account = np.arange(n, dtype=np.int32) % (2 * MEMBERS)
    turn = np.arange(n) // (2 * MEMBERS)
    member = account < MEMBERS
    harvested = member & (turn >= cover)
    shingles = np.random.default_rng(3).integers(1, 2**31, (n, BINS)).astype(np.uint32)
    worded = harvested & (turn % 2 == 0)
    shingles[worded, :12] = np.arange(1, 13)
    # A member's own system text, in all that it sends.
    shingles[member, BINS - 6 :] = (account[member] + 100)[:, None]
    nothing = np.full(2 * MEMBERS, UNKNOWN_TIME)
    log = Log(
        account=account, at=np.arange(n) * 1_000_000, item=np.arange(n, dtype=np.uint64),
        family=np.full(n, -1, np.int32), tokens=np.full(n, 20, np.int32), fresh=np.zeros(n, np.float32),
        shingles=shingles, flags=np.zeros(n, np.uint32), codes={}, numbers={}, account_codes={},
        created=nothing, closed=nothing, vector_rows=np.arange(n), vectors=np.zeros((n, 1), np.float32),
    )  # fmt: skip
    core = np.flatnonzero(worded & (turn % 3 == 0))
    phrases = np.arange(1, 9, dtype=np.uint64)
    return log, Cluster(np.arange(MEMBERS, dtype=np.int32), core, np.zeros(0, np.int32), "wording", phrases), harvested


def test_cover_under_an_account_s_own_system_text_stays_out():
    log, cluster, harvested = a_log(cover=30)
    found = attributed(log, cluster)
    assert harvested[found].all() and np.isin(cluster.core, found).all()
    worded = harvested & ((log.shingles[:, :12] == np.arange(1, 13)).all(axis=1))
    assert set(found.tolist()) == set(np.flatnonzero(worded).tolist())


def test_who_sends_little_else_harvests_bare_items_too():
    log, cluster, harvested = a_log(cover=0)
    assert set(attributed(log, cluster).tolist()) == set(np.flatnonzero(harvested).tolist())


@pytest.mark.parametrize("cover", [0, 30])
def test_a_cluster_without_words_keeps_its_core(cover):
    log, cluster, _ = a_log(cover)
    plain = Cluster(cluster.accounts, cluster.core, cluster.families, "handoff")
    assert np.array_equal(attributed(log, plain), cluster.core)
