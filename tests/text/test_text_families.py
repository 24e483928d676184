"""Families as their users see them: planted templates come together, strangers stay apart, order does not matter."""

import numpy as np
import pyarrow as pa
import pytest

from iolaus.text import find_families, sketch_prompts

ENGLISH = (
    "You are a careful tutor. Explain the term {} to a nine year old, give two everyday examples, and end with a quiz."
)
CHINESE = "你是一位严谨的历史老师，请围绕{}写一篇短文，列出三个关键时间点，并在结尾提出两个思考题。"


def nonsense(rng, count):
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    return " ".join("".join(rng.choice(letters, 6)) for _ in range(count))


@pytest.fixture(scope="module")
def log():
    """Two templates of six accounts each among 1,200 strangers; (prompts, accounts, which template or -1)."""
    rng = np.random.default_rng(5)
    rows = []
    for template, (text, first) in enumerate(((ENGLISH, 0), (CHINESE, 6))):
        rows += [(text.format(nonsense(rng, 3)), first + i % 6, template) for i in range(24)]
    rows += [(nonsense(rng, 25), 12 + i, -1) for i in range(1200)]
    return rows


def families(rows):
    prompts = pa.array([prompt for prompt, _, _ in rows])
    bins = sketch_prompts(prompts, pa.nulls(len(rows), pa.string())).bins
    return find_families(bins, np.array([account for _, account, _ in rows], dtype=np.int32))


def test_each_planted_template_is_one_family_and_strangers_have_none(log):
    of = families(log).of
    truth = np.array([template for _, _, template in log])
    for template in (0, 1):
        values, counts = np.unique(of[truth == template], return_counts=True)
        assert values[counts.argmax()] >= 0 and counts.max() >= 0.9 * (truth == template).sum()
    assert len(set(of[truth >= 0].tolist()) - {-1}) == 2
    assert (of[truth < 0] == -1).all()


def test_families_and_their_numbers_do_not_depend_on_the_order_of_rows(log):
    order = np.random.default_rng(6).permutation(len(log))
    first, second = families(log), families([log[i] for i in order])
    assert (first.of[order] == second.of).all() and first.count == second.count
    assert np.array_equal(first.fresh[order], second.fresh)


def test_fillings_are_fresh_and_templates_are_not(log):
    fresh = families(log).fresh
    truth = np.array([template for _, _, template in log])
    assert fresh[truth < 0].mean() > 0.9 > 0.6 > fresh[truth >= 0].mean()


def test_no_prompts_and_empty_prompts():
    assert families([]).count == 0
    found = families([("", i, -1) for i in range(5)])
    assert found.count == 0 and (found.of == -1).all() and (found.fresh == 0).all()
