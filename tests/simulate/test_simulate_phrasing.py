"""Instructions: demands and their wordings, and what two wordings, or two instructions, have in common."""

import re
from itertools import combinations

import numpy as np
import pytest

from iolaus.simulate.grammar import SLOT
from iolaus.simulate.phrases import DEMANDS, SYNONYMS
from iolaus.simulate.styles import ITEM, STYLES
from iolaus.simulate.templates import Wrappings

WORDED = sorted(set(STYLES) - {"course", "system", "product"})


def runs(slot, wording):
    """Runs of three words, or of three characters where no spaces part words."""
    words = re.sub(r"\W", "", wording) if slot.startswith("zh") else re.findall(r"[\w'<>/-]+", wording.lower())
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


@pytest.mark.parametrize("slot", sorted(DEMANDS))
def test_the_wordings_of_a_demand_share_no_phrase(slot):
    assert 10 <= len(DEMANDS[slot]) <= 16
    for wordings in DEMANDS[slot]:
        assert 4 <= len(wordings) <= 5
        assert set.intersection(*(runs(slot, w) for w in wordings)) == set()


def test_no_phrase_stands_twice_in_a_slot():
    for entries in [[w for wordings in demands for w in wordings] for demands in DEMANDS.values()]:
        assert len(set(entries)) == len(entries) and all(entries)
    for entries in SYNONYMS.values():
        assert len(set(entries)) == len(entries) >= 15 and all(entries)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_a_pattern_holds_each_slot_of_demands_once(style):
    for pattern in STYLES[style]:
        slots = [s for s in SLOT.findall(pattern) if s in DEMANDS]
        assert len(set(slots)) == len(slots)
        assert pattern.count("{item}") == (style != "system")


@pytest.mark.parametrize("style", sorted(set(STYLES) - {"system"}))
def test_a_wording_holds_its_item_once(style):
    table, rng = Wrappings(), np.random.default_rng(2)
    for _ in range(20):
        number = table.paraphrased(rng, style)
        codes = table.reword(rng, np.full(20, number))
        texts = [table.wrap(number, int(c), "ITEM") for c in codes]
        assert all(t.count("ITEM") == 1 and ITEM not in t and not SLOT.search(t) for t in texts)
        assert len(set(texts)) > 3


@pytest.mark.parametrize("style", WORDED)
def test_a_paraphrase_keeps_the_demands_and_changes_the_words(style):
    rng = np.random.default_rng(4)
    for _ in range(10):
        table = Wrappings()
        number = table.paraphrased(rng, style)
        demanded = table.instruction(number).demands
        texts = [table.wording(rng, number) for _ in range(40)]
        for text in texts:
            for slot, numbers in demanded.items():
                for demand in numbers:
                    assert any(w in text for w in DEMANDS[slot][demand])
        assert len(set(texts)) >= 30
        common = set.intersection(*(runs("zh" if style == "chinese" else "", t.replace(ITEM, "")) for t in texts))
        assert common == set()


@pytest.mark.parametrize("style", WORDED)
def test_two_instructions_demand_different_things(style):
    rng, table = np.random.default_rng(5), Wrappings()
    numbers = [table.paraphrased(rng, style) for _ in range(60)]
    wanted = [frozenset((s, d) for s, ds in table.instruction(n).demands.items() for d in ds) for n in numbers]
    equal = sum(a == b for a, b in combinations(wanted, 2))
    assert equal / (60 * 59 / 2) < 0.02
    assert np.mean([len(a & b) / len(a | b) for a, b in combinations(wanted, 2)]) < 0.15


def test_the_same_chance_gives_the_same_instruction_and_the_same_number_the_same_text():
    first, second = (Wrappings() for _ in range(2))
    for table in (first, second):
        table.paraphrased(np.random.default_rng(6), "reasoning")
    codes = first.reword(np.random.default_rng(7), np.array([0, 1, 1, 1, 0]))
    assert codes[0] == codes[4] == 0
    assert [first.wrap(1, int(c), "x") for c in codes[1:4]] == [second.wrap(1, int(c), "x") for c in codes[1:4]]


def test_a_template_is_one_wording_of_an_instruction():
    table, rng = Wrappings(), np.random.default_rng(8)
    number = table.paraphrased(rng, "reasoning")
    kept = table.retold(rng, number)
    fixed = table.fixed(rng, "reasoning")
    assert table.instruction(kept) is None and table.instruction(fixed) is None
    assert table.reword(rng, np.array([kept, fixed])).tolist() == [0, 0]
    for slot, numbers in table.instruction(number).demands.items():
        assert all(any(w in table.wording(rng, kept) for w in DEMANDS[slot][d]) for d in numbers)
    assert table.wrap(kept, 0, "x") == table.wording(rng, kept).replace(ITEM, "x").strip()
