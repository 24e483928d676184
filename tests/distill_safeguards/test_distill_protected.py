import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iolaus.distill.safeguards.protected import compare_memory, protect
from iolaus.distill.safeguards.runs import build_automaton, longest_runs
from iolaus.errors import InputError

POEM = "In the grey light the harbour wakes; nets are mended, ropes are coiled, and the first boat leaves before dawn."


def longest_by_hand(text, corpus):
    return max(
        (n for n in range(1, len(text) + 1) for i in range(len(text) - n + 1)
         if any(corpus[j : j + n] == text[i : i + n] for j in range(len(corpus) - n + 1))),
        default=0,
    )  # fmt: skip


@given(st.lists(st.integers(0, 2), max_size=40), st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=4))
def test_the_longest_run_is_what_trying_all_would_find(corpus, texts):
    ends = np.cumsum([0, *map(len, texts)])
    flat = np.array([word for text in texts for word in text], dtype=np.int64)
    best, stops = longest_runs(build_automaton(np.array(corpus, dtype=np.int64)), flat, ends)
    for text, length, stop in zip(texts, best.tolist(), stops.tolist(), strict=True):
        assert length == longest_by_hand(text, corpus)
        run = text[stop - length : stop]
        assert length == 0 or any(corpus[j : j + length] == run for j in range(len(corpus)))


def test_a_copied_line_is_found_with_its_excerpt_and_case_and_marks_do_not_hide_it():
    corpus = protect([POEM, "Another text altogether."], run=8, gram=4)
    found = corpus.look_for(
        ["As they say, NETS are mended - ropes are coiled and the first, boat leaves!", "Nothing of the kind.", ""]
    )
    assert found.longest.tolist() == [11, 1, 0]
    assert found.excerpts[0] == "NETS are mended - ropes are coiled and the first, boat leaves"
    assert found.verbatim.hits == 1
    assert found.overlap[0] == pytest.approx(8 / 11)
    assert found.overlap[1:].tolist() == [0, 0]


def test_no_run_crosses_from_one_document_to_the_next():
    found = protect(["one two three", "four five six"], run=3).look_for(["two three four five"])
    assert found.longest.tolist() == [2]


def test_soft_and_hard_targets_are_compared_prompt_by_prompt():
    corpus = protect([POEM], run=8, gram=4)
    words = POEM.split()
    hard = corpus.look_for([" ".join(words[: 9 + i % 5]) for i in range(40)])
    soft = corpus.look_for([" ".join(words[:4]) + " something else was said" for _ in range(40)])
    change = compare_memory(soft, hard)
    assert change.verbatim == (-1.0, -1.0, -1.0)
    assert change.longest[2] < 0
    assert change.overlap[1] <= change.overlap[0] <= change.overlap[2] < 0
    with pytest.raises(ValueError, match="stand against"):
        compare_memory(soft, corpus.look_for(["x"]))
    assert soft.to_json()["longest_run_words"]["max"] == 4


def test_nothing_to_protect_or_to_compare_is_said():
    with pytest.raises(InputError, match="no words"):
        protect(["...", ""])
    with pytest.raises(InputError, match="no answers"):
        protect(["word"]).look_for([])
