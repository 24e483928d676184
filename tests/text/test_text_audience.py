"""Templates by their audience: who comes back to a template is found exactly, whatever fills it."""

import numpy as np
import pyarrow as pa
import pytest

from iolaus.text import BINS, find_audiences, held_shingles, recurring_shingles, sketch_prompts

TEMPLATE = "Compare the two passages below for factual drift, name the weaker one and defend your choice: {}"
POPULAR = "thank you very much in advance for your kind help with this {}"
MEMBERS = [3, 40, 77, 150, 199]
ACCOUNTS = 200


def nonsense(rng, count):
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    return " ".join("".join(word) for word in rng.choice(letters, (count, 6)))


@pytest.fixture(scope="module")
def log():
    """Five accounts put long texts into one template among strangers who all close with one polite phrase."""
    rng = np.random.default_rng(9)
    rows = [(TEMPLATE.format(nonsense(rng, 150)), m) for m in MEMBERS for _ in range(8)]
    for account in range(ACCOUNTS):
        rows += [(POPULAR.format(nonsense(rng, 12)), account) for _ in range(3)]
    return [rows[i] for i in rng.permutation(len(rows))]


def sketched(rows):
    prompts = pa.array([prompt for prompt, _ in rows], pa.string())
    bins = sketch_prompts(prompts, pa.nulls(len(rows), pa.string())).bins
    return bins, np.array([account for _, account in rows], dtype=np.int32)


def shingles_of(rows, accounts=ACCOUNTS):
    bins, account = sketched(rows)
    return recurring_shingles(bins, account, np.arange(len(rows)), accounts)


def audiences(rows):
    return find_audiences(shingles_of(rows), 0.6, 12.0)


def test_a_template_has_exactly_its_audience(log):
    found = audiences(log)
    assert [a.accounts.tolist() for a in found] == [MEMBERS]
    assert found[0].weight > 12.0 and found[0].shingles.size >= 5


def test_everyday_phrases_do_not_recur(log):
    rows = [(prompt, account) for prompt, account in log if account not in MEMBERS]
    assert shingles_of(rows).name.size == 0 and audiences(rows) == []


def test_who_writes_a_phrase_once_is_no_audience(log):
    once = [(TEMPLATE.format(nonsense(np.random.default_rng(i), 20)), i) for i in range(5, 35)]
    found = audiences([*log, *once])
    # Thirty visitors beside five who come back: a quotation.
    assert found == []
    few = audiences([*log, *once[:8]])
    assert [a.accounts.tolist() for a in few] == [MEMBERS]


def test_two_templates_of_two_groups_stay_apart(log):
    rng = np.random.default_rng(10)
    other = "Write unit tests for the function that follows and say which branch they leave out: {}"
    group = [10, 11, 12, 13]
    rows = [*log, *((other.format(nonsense(rng, 60)), m) for m in group for _ in range(8))]
    assert sorted(a.accounts.tolist() for a in audiences(rows)) == [MEMBERS, group]


def test_the_order_of_rows_does_not_matter(log):
    order = np.random.default_rng(11).permutation(len(log))
    first, second = shingles_of(log), shingles_of([log[i] for i in order])
    assert np.array_equal(first.name, second.name) and np.array_equal(first.weight, second.weight)
    assert (first.table != second.table).nnz == 0
    held = [set(zip(s.rows[s.place].tolist(), s.which.tolist(), strict=True)) for s in (first, second)]
    assert {(order[row], which) for row, which in held[1]} == held[0]
    found = [
        [(a.shingles.tolist(), a.accounts.tolist()) for a in find_audiences(s, 0.6, 12.0)] for s in (first, second)
    ]
    assert found[0] == found[1]


def test_shingles_know_where_they_stand(log):
    shingles = shingles_of(log)
    template = np.array([prompt.startswith("Compare") for prompt, _ in log])
    assert template[shingles.rows[shingles.place]].all()
    assert (shingles.name[1:] > shingles.name[:-1]).all()
    assert shingles.table.shape == (shingles.name.size, ACCOUNTS)
    assert shingles.weight == pytest.approx(np.log(ACCOUNTS / len(MEMBERS)))


def test_held_shingles_are_those_of_the_template(log):
    bins, account = sketched(log)
    wanted = shingles_of(log).name
    table, bin_of = held_shingles(bins, wanted)
    assert table.shape == (len(log), wanted.size) and (bin_of >= 0).all()
    holds = np.asarray(table.sum(axis=1)).ravel()
    template = np.array([prompt.startswith("Compare") for prompt, _ in log])
    # The edge's region sees the template whatever is put into it.
    assert (holds[template] >= 3).all() and (holds[~template] == 0).all()
    assert np.isin(account[holds > 0], MEMBERS).all()
    assert held_shingles(bins, np.array([1], np.uint64))[1].tolist() == [-1]


def test_nothing_in_nothing_out():
    empty = recurring_shingles(np.zeros((0, BINS), np.uint32), np.zeros(0, np.int32), np.zeros(0, np.int64), 0)
    assert empty.name.size == 0 and find_audiences(empty, 0.6, 12.0) == []
    blank = shingles_of([("", 0), ("", 1), ("", 1)], 2)
    assert blank.name.size == 0 and find_audiences(blank, 0.6, 12.0) == []
    table, bin_of = held_shingles(np.zeros((0, BINS), np.uint32), np.zeros(0, np.uint64))
    assert table.shape == (0, 0) and bin_of.size == 0
