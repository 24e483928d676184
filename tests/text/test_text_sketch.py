"""Sketches: what normalising folds away, what it keeps, and what no text can break."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iolaus.text import BINS, CAPABILITIES, REGION, sketch_prompts

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
LONG = " ".join(f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(400))


def sketch(*texts, system=None):
    column = pa.array(texts, pa.string())
    return sketch_prompts(
        column, pa.nulls(len(texts), pa.string()) if system is None else pa.array(system, pa.string())
    )


def alike(one, two, region=0):
    """Share of equal bins of a region, among those that are filled: estimates Jaccard's index of the shingles."""
    bins = sketch(one, two).bins[:, region * REGION : (region + 1) * REGION]
    filled = (bins != 0).any(axis=0)
    return float((bins[0] == bins[1])[filled].mean()) if filled.any() else 1.0


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Please SUMMARISE this Text", "please summarise this text"),
        ("  please\n\tsummarise —  this... text!! ", "please summarise this text"),
        ("СВОДКА ÉTÉ ΑΒΓ", "сводка été αβγ"),
    ],
)
def test_case_spacing_and_punctuation_are_folded_everywhere(one, two):
    found = sketch(one, two)
    assert found.item[0] == found.item[1] and found.template[0] == found.template[1]
    assert (found.bins[0] == found.bins[1]).all()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("add 17 apples to the bowl", "add 2,304.5 apples to the bowl"),
        ("add １７ apples to the bowl", "add 9 apples to the bowl"),
        ('translate "good morning" into Dutch', 'translate "never again, said the raven" into Dutch'),
        ("translate “good morning” into Dutch", "translate “no” into Dutch"),
        ("翻译「早上好」成荷兰语", "翻译「他说他永远不会再来」成荷兰语"),
        ("fix ```print(1)``` now please", "fix ```for x in y:\n\n    pass``` now please"),
        ("what does `len` do here", "what does `sorted(x)` do here"),
    ],
)
def test_numbers_quotes_and_code_are_one_mark_but_two_items(one, two):
    found = sketch(one, two)
    assert found.template[0] == found.template[1] and (found.bins[0] == found.bins[1]).all()
    assert found.item[0] != found.item[1], "two fillings are two items of work"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("sort the list upwards", "sort the list downwards"),
        ("don't", "do not"),
        ("一加一等于几", "一加二等于几"),
        ("room b12 on the left", "room b13 on the left"),
    ],
)
def test_other_words_are_other_texts(one, two):
    found = sketch(one, two)
    assert found.item[0] != found.item[1] and found.template[0] != found.template[1]


@given(TEXT)
@example("")
@example('"""')
@example("`" * 7)
@example("1,2,3")
@example("\x00\x00")
def test_any_text_gives_the_same_sketch_wherever_it_stands(text):
    alone, among = sketch(text), sketch("before it", text, text, "after")
    for row in (1, 2):
        assert (among.bins[row] == alone.bins[0]).all()
        for name in ("item", "template", "tokens", "flags"):
            assert getattr(among, name)[row] == getattr(alone, name)[0]
    assert alone.bins.shape == (1, BINS) and alone.tokens[0] >= 0
    assert (alone.bins[0, 3 * REGION :] == 0).all()


@given(TEXT)
def test_a_slice_of_a_column_reads_its_own_rows(text):
    column = pa.array(["x y z", None, text, "tail"], pa.string())
    found = sketch_prompts(column.slice(2, 1), pa.nulls(1, pa.string()))
    assert found.item[0] == sketch(text).item[0]
    large = sketch_prompts(column.cast(pa.large_string()), pa.nulls(4, pa.string()))
    assert large.item[2] == found.item[0]


def test_no_rows_and_null_rows():
    assert sketch().bins.shape == (0, BINS)
    found = sketch(None, "", "...")
    assert (found.bins[0] == found.bins[1]).all() and (found.tokens == 0).all()


def test_what_is_no_text_is_refused():
    with pytest.raises(TypeError, match="must be strings"):
        sketch_prompts(pa.array([1, 2]), pa.nulls(2, pa.string()))


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=4))
@example([b"\xf0\x9f", b"\xe4\xb8", b"\xc3"])
@example([b'"\xff' * 3, b"`\xfe"])
def test_bytes_that_are_no_utf8_are_read_without_leaving_their_row(values):
    binary = pa.array(values, pa.binary())
    broken = pa.Array.from_buffers(pa.string(), len(values), binary.buffers())
    found = sketch_prompts(broken, pa.nulls(len(values), pa.string()))
    for row, value in enumerate(values):
        one = pa.Array.from_buffers(pa.string(), 1, pa.array([value], pa.binary()).buffers())
        alone = sketch_prompts(one, pa.nulls(1, pa.string()))
        assert alone.item[0] == found.item[row] and (alone.bins[0] == found.bins[row]).all()


@pytest.mark.parametrize("unit", ["word ", "字", '"', "`", "9", "\n\n", "\x00", "“"])
def test_ten_megabytes_of_anything(unit):
    text = unit * (10_000_000 // len(unit.encode()))
    found = sketch(text, "and then")
    assert found.tokens[0] <= 5_000
    assert found.item[0] != found.item[1]


def test_all_of_a_huge_text_counts_for_its_item():
    found = sketch(LONG * 30 + " left", LONG * 30 + " right")
    assert found.item[0] != found.item[1]


@pytest.mark.parametrize(
    "text",
    [
        "请把下面这句话翻译成英文并解释其中的语法结构和常见错误",
        "次の文章を要約して、重要な点を三つ挙げてください",
        "แปลประโยคนี้เป็นภาษาอังกฤษและอธิบายไวยากรณ์ด้วย",
        "다음문장을영어로번역하고설명해주세요",
    ],
)
def test_scripts_without_spaces_have_many_tokens_and_near_duplicates(text):
    found = sketch(text)
    assert found.tokens[0] >= len(text) // 2
    assert 0.3 < alike(text + "谢谢您", text) < 1.0 or alike(text + "谢谢您", text) > 0.6
    assert alike(text, text[::-1]) < 0.3


def test_likeness_follows_the_share_of_words_in_common():
    words = LONG.split()
    changed = [word if i % 40 else f"other{i}" for i, word in enumerate(words)]
    assert alike(LONG, " ".join(changed)) > 0.5
    assert alike(LONG, " ".join(words[::-1])) < 0.2
    assert alike(LONG, LONG) == 1.0


def test_a_long_filling_leaves_the_template_in_plain_sight():
    head = (
        "You are an exacting examiner. Read the essay below and list its three weakest arguments in order, from the "
        "weakest to the least weak, and say of each in one sentence what would mend it. Essay: "
    )
    one, two = head + LONG, head + LONG[::-1]
    assert alike(one, two, region=1) > 0.15, "the first shingles have bins of their own"
    assert alike(f"{LONG} {head}", f"{LONG[::-1]} {head}", region=2) > 0.15, "and so have the last"
    assert alike(one, two, region=0) < 0.1


def test_system_instructions_have_a_region_and_their_capabilities():
    plain = sketch("go on", "go on")
    told = sketch("go on", "go on", system=[None, "Grade the answer against this rubric, step by step."])
    assert (told.bins[0] == plain.bins[0]).all()
    assert (told.bins[1, : 3 * REGION] == plain.bins[1, : 3 * REGION]).all()
    assert (told.bins[1, 3 * REGION :] != 0).any()
    assert named(told.flags[1]) == {"grading", "reasoning"} and told.flags[0] == 0


def named(flags):
    return {name for i, name in enumerate(CAPABILITIES) if int(flags) >> i & 1}


@pytest.mark.parametrize(
    ("text", "capabilities"),
    [
        ("Think it through STEP-BY-STEP, then answer.", {"reasoning"}),
        ("请一步一步地推理", {"reasoning"}),
        ("Write a Python function that sorts.", {"code"}),
        ("Rate each reply on a scale of 1 to 5", {"grading"}),
        ("What is the capital of France?", set()),
        ("a stepby step bystep", set()),
    ],
)
def test_capabilities_are_named_by_phrases_whatever_their_spelling(text, capabilities):
    assert named(sketch(text).flags[0]) == capabilities


def test_the_number_of_threads_does_not_matter():
    import numba

    texts = [LONG[i : i + 200] for i in range(300)]
    before = sketch(*texts)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        after = sketch(*texts)
    finally:
        numba.set_num_threads(threads)
    assert np.array_equal(before.bins, after.bins) and np.array_equal(before.item, after.item)
