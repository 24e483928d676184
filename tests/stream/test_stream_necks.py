"""Known necks: the null of the bets, what they join, and whom they leave alone."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats as sps
from stream_cases import batches, exchanges, unjudged

from iolaus.detect.wording import read_wording, refined
from iolaus.schema import ACCOUNTS
from iolaus.simulate import simulate
from iolaus.stream.known import Known
from iolaus.stream.lookout import Lookout
from iolaus.stream.necks import ALPHA, LEAST_LOOKED, Neck, neck_of, shares_above
from iolaus.stream.rows import incoming
from iolaus.text.sketch import sketch_texts

NONE = np.zeros(0, np.uint64)


def neck(items, chance):
    return Neck(NONE, np.sort(items), NONE, 2, chance, 1_000, np.zeros(0, np.int64), 0.5)


def looked_at(lookout, texts, accounts):
    """Bets on one exchange after the other; the joins."""
    people = unjudged().people
    rows = [
        {"exchange_id": f"e{i}", "timestamp": i, "account_id": f"a{a}", "prompt": text}
        for i, (text, a) in enumerate(zip(texts, accounts, strict=True))
    ]
    batch = incoming(exchanges(rows), people)
    home = np.full(len(people.ids), -1, dtype=np.int32)
    return [(people.ids[j.account], j) for j in lookout.look(batch, np.ones(len(rows), dtype=np.bool_), home)]


def items_of(texts):
    return sketch_texts(pa.array(texts)).item


MARKS = [f"mark number {i}" for i in range(4_000)]


def test_outsiders_reach_a_bound_no_more_often_than_its_level(monkeypatch):
    # At a level of a fifth for every bet, so that it can be seen.
    monkeypatch.setattr("iolaus.stream.lookout.LEAST_LOOKED", 1)
    monkeypatch.setattr("iolaus.stream.lookout.ALPHA", 0.2)
    rng = np.random.default_rng(4)
    chance, accounts, sent = 0.05, 1_500, 40
    marked = rng.random(accounts * sent) < chance
    texts = [MARKS[i % 4_000] if m else f"else {i}" for i, m in enumerate(marked)]
    lookout = Lookout()
    lookout.arm({"C001": neck(items_of(MARKS), chance)})
    joined, begun = len(looked_at(lookout, texts, np.repeat(np.arange(accounts), sent))), lookout.started
    assert begun > 500
    assert sps.binom.sf(joined - 1, begun, 0.2) > 0.001
    assert joined > 0


def test_an_account_that_takes_a_neck_up_joins_within_a_few_exchanges_and_its_like_does_not():
    lookout = Lookout()
    lookout.arm({"C001": neck(items_of(MARKS[:50]), 0.002)})
    texts = [*MARKS[:10], *[f"else {i}" for i in range(10)], *[MARKS[0]] * 30]
    joins = looked_at(lookout, texts, [*[1] * 10, *[2] * 10, *[3] * 30])
    # Account 3 sends one prompt again and again, which is one hit.
    assert [name for name, _ in joins] == ["a1"]
    assert joins[0][1].row <= 5 and joins[0][1].p_value <= ALPHA / LEAST_LOOKED


def test_who_had_the_marks_before_is_left_to_the_judgement():
    lookout = Lookout()
    lookout.arm({"C001": neck(items_of(MARKS[:50]), 0.002)})
    lookout.bar("C001", np.array([0]))
    assert looked_at(lookout, MARKS[:30], [0] * 30) == []
    lookout.arm({"C002": neck(items_of(MARKS[:50]), 0.002)})
    assert lookout.used == 0
    assert len(looked_at(lookout, MARKS[:30], [0] * 30)) == 1


@pytest.mark.parametrize(("x", "n"), [(0, 50), (0, 1_000), (3, 400)])
def test_the_bound_on_a_share_is_clopper_and_pearsons(x, n):
    bound = shares_above(x, n, 0.01)
    assert sps.binom.cdf(x, n, bound) == pytest.approx(0.01)
    assert shares_above(n, n, 0.01) == 1.0


@pytest.fixture(scope="module")
def renewed(tmp_path_factory):
    """Operators with fixed templates, each with new accounts for the last third of its work; and who is whose."""
    folder = tmp_path_factory.mktemp("renewed")
    simulate("l1", folder, seed=12, exchanges=12_000, operators_per_level=2, hydra_share=0.12)
    truth = pq.read_table(folder / "truth_accounts.parquet")
    owner = dict(zip(truth["account_id"].to_pylist(), truth["operator_id"].to_pylist(), strict=True))
    table = pa.Table.from_batches(batches(folder))
    names = np.array(table["account_id"].to_pylist(), dtype=object)
    of = np.array([owner[name] or "" for name in names])
    for operator in sorted(set(of) - {""}):
        mine = np.flatnonzero(of == operator)
        late = mine[2 * mine.size // 3 :]
        owner |= {f"new-{name}": operator for name in names[late]}
        names[late] = [f"new-{name}" for name in names[late]]
    at = table.schema.get_field_index("account_id")
    return table.set_column(at, table.schema.field(at), pa.array(list(names), pa.string())), owner


def neck_before(table, owner, operator):
    """A stream up to when the operator's new accounts begin, with the neck of its old ones; and what comes after."""
    names = table["account_id"].to_pylist()
    begins = next(i for i, name in enumerate(names) if name.startswith("new-") and owner[name] == operator)
    stream = unjudged()
    for batch in table.slice(0, begins).combine_chunks().to_batches():
        stream.take(batch)
    view = stream.window.view(stream.people, ACCOUNTS.empty_table())
    log, ids = view.observed.log, view.observed.account_ids.to_pylist()
    wording = read_wording(log)
    clusters = refined(log, wording, members_of(view, owner, operator), "wording")
    cluster = max(clusters, key=lambda c: c.core.size)
    outside = np.array([owner[name] is None for name in ids])
    found = neck_of(log, cluster, outside, view.history)
    stream.lookout.arm({} if found is None else {operator: found})
    stream.known = {operator: Known(None, set(), NONE)}
    return stream, found, table.slice(begins)


def members_of(view, owner, operator):
    return np.flatnonzero([owner[name] == operator for name in view.observed.account_ids.to_pylist()])


def operators(owner):
    return sorted({operator for operator in owner.values() if operator})


def joined(stream, tables):
    """Accounts that join in what comes, and how many exchanges each had sent."""
    for table in tables:
        for batch in table.combine_chunks().to_batches(max_chunksize=500):
            stream.take(batch)
    return {account: one.sent for account, one in next(iter(stream.known.values())).joined.items()}


def test_a_pool_of_new_names_is_joined_within_its_first_exchanges(renewed):
    table, owner = renewed
    taken = []
    for operator in operators(owner):
        stream, found, after = neck_before(table, owner, operator)
        assert found is not None and found.takers.size == 0
        pool = {name for name in owner if name.startswith("new-") and owner[name] == operator}
        sent = joined(stream, [after])
        # Nobody who has nothing to do with the operator is joined.
        assert {owner[name] for name in sent} == {operator}
        assert len(pool & sent.keys()) >= 0.8 * len(pool)
        taken += [sent[name] for name in pool & sent.keys()]
    assert np.median(taken) <= 20


def test_how_exchanges_are_cut_changes_nothing_of_who_joins(renewed):
    table, owner = renewed
    operator = operators(owner)[0]
    stories = []
    for size in (37, 4_000):
        stream, _, after = neck_before(table, owner, operator)
        for batch in after.combine_chunks().to_batches(max_chunksize=size):
            stream.take(batch)
        stories.append(stream.known[operator].joined)
    assert stories[0] == stories[1] and stories[0]


def test_nobody_joins_in_benign_traffic(renewed, tmp_path):
    table, owner = renewed
    simulate("benign", tmp_path, seed=21, exchanges=8_000)
    strangers = pa.Table.from_batches(batches(tmp_path))
    for operator in operators(owner):
        stream, found, _ = neck_before(table, owner, operator)
        assert found is not None
        assert joined(stream, [strangers]) == {}


def test_words_that_others_have_are_no_neck(renewed):
    table, owner = renewed
    operator = operators(owner)[0]
    stream, _, _ = neck_before(table, owner, operator)
    view = stream.window.view(stream.people, ACCOUNTS.empty_table())
    log = view.observed.log
    clusters = refined(log, read_wording(log), members_of(view, owner, operator), "wording")
    cluster = max(clusters, key=lambda c: c.core.size)
    everybody = np.ones(log.accounts, dtype=np.bool_)
    assert neck_of(log, cluster, everybody, view.history) is None
    # Nor can anything be said where there are few others.
    everybody[cluster.accounts] = False
    assert neck_of(log, cluster, everybody & (np.cumsum(everybody) <= 20), view.history) is None
