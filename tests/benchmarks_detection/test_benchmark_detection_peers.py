"""Each peer does what its source says, on logs small enough to reckon by hand."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.detection.linkage import components, shared_pairs, shared_table
from benchmarks.detection.methods import PEERS, lacking
from benchmarks.detection.peers.fraudar import densest
from benchmarks.detection.wordings import masked, template_keys
from scipy import sparse

from iolaus.schema import ACCOUNTS, EXCHANGES

_RING = [f"ring{i}" for i in range(4)]
_OTHERS = [f"other{i:02d}" for i in range(16)]
_WORDS = np.array("river stone maple ledger copper violin harbour saddle lantern meadow quartz anchor".split())
_START = datetime(2026, 3, 2, tzinfo=UTC)


def _log() -> tuple[pa.Table, pa.Table]:
    """Four accounts with one template, one card and one timetable; sixteen with nothing in common."""
    rng = np.random.default_rng(3)
    rows = []
    for name in (*_RING, *_OTHERS):
        ring = name in _RING
        for turn in range(24 if ring else 12):
            said = " ".join(rng.permutation(_WORDS).tolist())
            prompt = f"Reason step by step, then give one answer to item {turn}." if ring else f"{name} {said}"
            at = (
                _START + timedelta(hours=8 * turn) if ring else _START + timedelta(minutes=float(rng.uniform(0, 11520)))
            )
            rows.append({"account_id": name, "timestamp": at, "prompt": prompt, "turn": 1, "status_code": 200})
            rows[-1] |= {"ip": f"192.0.2.{len(rows) % 250}" if ring else f"198.51.100.{len(rows) % 250}"}
            rows[-1] |= {"exchange_id": f"x{len(rows)}", "input_tokens": 20, "output_tokens": 200 if ring else 50}
    people = [
        {
            "account_id": name, "created_at": _START - timedelta(days=1 if name in _RING else 10 + i),
            "country": "US", "plan": "payg", "email_domain": f"{name}.example", "signup_ip": f"203.0.{i}.1",
            "payment_fingerprint": "card" if name in _RING else f"card{i // 2}",
        }
        for i, name in enumerate((*_RING, *_OTHERS))
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, EXCHANGES), pa.Table.from_pylist(people, ACCOUNTS)


@pytest.mark.parametrize("peer", PEERS)
def test_every_peer_scores_known_accounts_and_says_the_same_twice(peer):
    if lacking([peer]):
        pytest.skip("needs the extra bench")
    exchanges, accounts = _log()
    suspects = import_module(f"benchmarks.detection.peers.{peer}").suspects
    found = suspects(exchanges, accounts)
    assert found == suspects(exchanges, accounts)
    assert {a for g in found for a in g.accounts} <= {*_RING, *_OTHERS}
    assert all(np.isfinite(g.score) and len(set(g.accounts)) == len(g.accounts) for g in found)


@pytest.mark.parametrize("peer", ["identifiers", "template_hash", "minhash_leiden", "fraudar", "synchrotrap"])
def test_a_ring_stands_first_where_a_peer_looks_at_what_it_shares(peer):
    if lacking([peer]):
        pytest.skip("needs the extra bench")
    found = import_module(f"benchmarks.detection.peers.{peer}").suspects(*_log())
    assert sorted(max(found, key=lambda g: g.score).accounts) == _RING


def test_splink_joins_records_of_one_customer():
    if lacking(["splink_records"]):
        pytest.skip("needs the extra bench")
    found = import_module("benchmarks.detection.peers.splink_records").suspects(*_log())
    assert sorted(max(found, key=lambda g: g.score).accounts) == _RING


def test_greedy_peeling_keeps_half_of_the_densest_block():
    """FRAUDAR's guarantee (theorem 1 of the paper): at least half of the best density there is."""
    rng = np.random.default_rng(8)
    for _ in range(20):
        table = sparse.csr_matrix((rng.random((5, 5)) < 0.5).astype(float))
        if table.nnz == 0:
            continue
        weight = table.toarray() / np.log(np.maximum(table.toarray().sum(axis=0), 0) + 5.0)
        best = max(
            weight[np.ix_([v for v in s if v < 5], [v - 5 for v in s if v >= 5])].sum() / k
            for k in range(1, 11)
            for s in combinations(range(10), k)
        )
        members, objects, density = densest(table)
        assert best / 2 - 1e-9 <= density <= best + 1e-9
        assert density == pytest.approx(weight[np.ix_(members, objects)].sum() / (members.size + objects.size))


def test_a_planted_block_is_what_fraudar_finds():
    rng = np.random.default_rng(1)
    table = (rng.random((60, 80)) < 0.03).astype(float)
    table[:8, :10] = 1.0
    members, objects, _ = densest(sparse.csr_matrix(table))
    assert set(range(8)) <= set(members.tolist()) and members.size <= 12
    assert set(range(10)) <= set(objects.tolist())


def test_single_linkage_scores_a_component_by_the_threshold_at_which_it_stands():
    left, right = np.array([0, 1, 3, 2]), np.array([1, 2, 4, 3])
    found = components(list("abcdef"), left, right, np.array([9.0, 8.0, 8.5, 2.0]))
    assert {(g.accounts, g.score) for g in found} == {(tuple("abc"), 8.0), (tuple("abcde"), 2.0)}


def test_shared_values_weigh_by_rarity_and_hubs_tie_nobody():
    account = np.array([0, 1, 0, 1, 2, 3, 3])
    value = np.array([7, 7, 5, 5, 5, 5, 0])
    left, right, weight = shared_pairs(shared_table(account, value, 4, 3))
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 1)]
    assert weight[0] == pytest.approx(np.log(2))


def test_masking_leaves_the_template():
    assert masked('Solve 12.5 for  "x" now') == masked('solve 7 for "another word" NOW')
    one, other = (
        " ".join(f"w{w}" for w in range(15)) + f" {filling} " + "the end of it " * 5 for filling in ("a", "b c")
    )
    log = pa.table({"prompt": [one, other], "account_id": ["a", "b"]})
    keys = template_keys(log)
    assert keys[0, 0] != keys[1, 0] and keys[0, 1] == keys[1, 1] and keys[0, 2] == keys[1, 2] and not keys[:, 3].any()
