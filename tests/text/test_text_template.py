"""Templates with their slots, and texts without their owner's habits."""

import re

from hypothesis import given
from hypothesis import strategies as st

from iolaus.text import template_of, without_habits

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


def fixed(parts):
    return "".join(text for text, fillings in parts if not fillings)


def test_words_that_stay_and_slots_that_change():
    things = ("a barge", "an old lighthouse", "seven goats", "the moon")
    parts = template_of([f"Write a poem about {thing} in two lines." for thing in things])
    assert [bool(fillings) for _, fillings in parts] == [False, True, False]
    assert parts[0][0].strip() == "Write a poem about" and parts[2][0].strip() == "in two lines."
    assert len(parts[1][1]) == 3 and set(parts[1][1]) <= set(things)


def test_slots_of_scripts_without_spaces():
    words = ("苹果树", "老灯塔", "七只山羊", "月亮")
    parts = template_of([f"请写一首关于{word}的短诗" for word in words])
    assert fixed(parts) == "请写一首关于的短诗"
    assert {filling for _, fillings in parts for filling in fillings} <= set(words)


def test_a_template_filled_twice_at_its_edges():
    parts = template_of([f"{a}: translate into {b}" for a, b in (("One", "Dutch"), ("Two", "Thai"), ("Six", "Greek"))])
    assert [bool(fillings) for _, fillings in parts] == [True, False, True]


def test_nothing_and_one_and_equal_prompts():
    assert template_of([]) == []
    assert template_of(["all of it stays"]) == template_of(["all of it stays"] * 5) == [("all of it stays", ())]


@given(st.lists(TEXT, max_size=6), st.integers(0, 4))
def test_any_prompts_give_parts_that_come_from_them(prompts, examples):
    parts = template_of(prompts, examples)
    assert parts == template_of(prompts[::-1], examples), "the order of the prompts does not matter"
    for text, fillings in parts:
        assert bool(text) != bool(fillings) or not text
        assert len(fillings) <= examples
        assert all(any(filling in prompt for prompt in prompts) for filling in fillings)
        assert any(text in prompt for prompt in prompts)


def test_a_huge_prompt_is_cut_and_not_waited_for():
    parts = template_of(["word " * 200_000 + end for end in "abc"])
    assert sum(len(text) for text, _ in parts) < 5_000


def test_an_owners_own_words_are_taken_out():
    mine = [f"Dear assistant, kindly explain {x}" for x in ("tides", "volcanoes", "comets", "glaciers")]
    few = ["Dear assistant, kindly explain moss", "Dear assistant, hello"]
    said = without_habits([*mine, *few], [1, 1, 1, 1, 2, 2])
    assert said == [
        "tides",
        "volcanoes",
        "comets",
        "glaciers",
        "dear assistant kindly explain moss",
        "dear assistant hello",
    ]


@given(st.lists(st.tuples(TEXT, st.integers(0, 2)), max_size=12))
def test_habits_only_take_away(pairs):
    texts, owners = [t for t, _ in pairs], [o for _, o in pairs]
    said = without_habits(texts, owners)
    assert len(said) == len(texts)
    for text, words in zip(texts, said, strict=True):
        assert all(word in text.lower() for word in words.split(" ") if word)


@given(st.lists(st.tuples(st.one_of(TEXT, st.text("ab İΣß 9_²一二กั", max_size=30)), st.integers(0, 1)), max_size=12))
def test_habits_by_their_definition(pairs):
    dense = r"\u0e00-\u0eff\u3040-\u9fff\uac00-\ud7a3"
    words = [re.findall(rf"[^\W\d_{dense}]+|[{dense}]{{1,2}}", text.lower()) for text, _ in pairs]
    expected = []
    for said, (_, owner) in zip(words, pairs, strict=True):
        of_owner = [set(w) for w, (_, other) in zip(words, pairs, strict=True) if other == owner]
        habits = {w for w in said if 2 * sum(w in held for held in of_owner) >= len(of_owner)}
        expected.append(" ".join(w for w in said if len(of_owner) < 4 or w not in habits))
    assert without_habits([t for t, _ in pairs], [o for _, o in pairs]) == expected
