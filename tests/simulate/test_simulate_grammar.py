"""Numbered sentences: distinct numbers are distinct texts, and the grammars are large."""

import numpy as np
import pytest

from iolaus.simulate.grammar import Grammar
from iolaus.simulate.grammars import PATTERNS, grammar
from iolaus.simulate.responses import answer
from iolaus.simulate.words import WORDS


def test_a_grammar_counts_and_writes_every_sentence():
    g = Grammar(["a {x} b {y}", "{x}!"], {"x": ("1", "2"), "y": ("p", "q", "r")})
    assert g.size == 8
    assert len({g.render(int(c)) for c in g.draw_distinct(np.random.default_rng(0), 8)}) == 8


def test_an_unknown_slot_is_refused():
    with pytest.raises(KeyError):
        Grammar(["{nothing}"], {})


@pytest.mark.parametrize("domain", sorted(set(PATTERNS) - {"followup", "zh_followup"}))
def test_work_queues_never_repeat_and_strangers_seldom_do(domain):
    rng, g = np.random.default_rng(1), grammar(domain)
    queue = [g.render(int(c)) for c in g.draw_distinct(rng, 2000)]
    assert len(set(queue)) == 2000
    assert len({g.render(int(c)) for c in g.draw(rng, 2000)}) > 1900


def test_word_lists_hold_no_word_twice():
    assert all(len(set(words)) == len(words) for words in WORDS.values())


def test_an_answer_is_a_function_of_its_arguments():
    assert answer("math", 5, 300) == answer("math", 5, 300) != answer("math", 6, 300)
    assert 300 <= len(answer("chat", 1, 300)) < 500
