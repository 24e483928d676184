import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats as sps

from iolaus.errors import InputError
from iolaus.provenance.comparison import TRIAGE, Outputs, compare, read_outputs, render_comparison
from iolaus.provenance.comparison.compare import leading
from iolaus.provenance.comparison.likeness import makeup_likeness, phrase_likeness

WORDS = [f"word{number}" for number in range(300)]


def answer(chance, style, length=40):
    """A text of a model whose favourite words are its style's; style 1 shouts."""
    favourites = np.random.default_rng(style).permutation(WORDS)[:60]
    picked = np.where(chance.random(length) < 0.35, chance.choice(favourites, length), chance.choice(WORDS, length))
    return " ".join(picked) + "!" * (style == 1)


def panel(suspect_style, peers=12, prompts=60, seed=0):
    """Suspect, peers and two teachers of styles 1 and 2; every peer has a style of its own."""
    chance = np.random.default_rng(seed)
    styles = [suspect_style, *(999 * (seed + 1) + 3 * peer for peer in range(peers)), 1, 2]
    names = ("suspect", *(f"peer{peer}" for peer in range(peers)), "one", "two")
    answers = tuple(tuple(answer(chance, style) for style in styles) for _ in range(prompts))
    return Outputs(names, tuple(map(str, range(prompts))), answers)


def test_a_student_leans_to_its_teacher():
    found = compare(panel(suspect_style=1), 2)
    assert [one.teacher for one in found.teachers if one.leans] == ["one"]
    assert found.teachers[0].teacher == "one" and found.teachers[0].rank == 1
    assert found.sentence.startswith("Triage only, no proof") and "one" in found.sentence


def test_a_peer_stands_first_as_often_as_said():
    """Forty innocents among twelve peers and two teachers: one first place in thirteen is expected for each."""
    leaning = sum(one.leans for seed in range(40) for one in compare(panel(300, seed=seed, prompts=16), 2).teachers)
    assert leaning <= sps.binom.ppf(0.999, 80, 1 / 13)


def test_who_resembles_everybody_leans_to_nobody():
    chance = np.random.default_rng(3)
    rows = []
    for _ in range(60):
        one, two = answer(chance, 1), answer(chance, 2)
        both = " ".join([*one.split()[:20], *two.split()[:20]])
        rows.append((both, *(answer(chance, 50 + 3 * peer) for peer in range(8)), one, two))
    names = ("suspect", *(f"peer{peer}" for peer in range(8)), "one", "two")
    found = compare(Outputs(names, tuple(map(str, range(60))), tuple(rows)), 2)
    assert max(abs(one.score) for one in found.teachers) < 0.1


def test_sign_flips_are_uniform_under_the_null():
    chance = np.random.default_rng(0)
    p_values = [leading(chance.standard_normal(40), np.random.default_rng(seed), 199) for seed in range(400)]
    assert sps.kstest(p_values, "uniform").pvalue > 1e-3
    assert leading(np.full(30, 0.1), chance) == pytest.approx(1e-4)
    assert leading(np.zeros(30), chance, 99) == 1.0


def test_likeness_of_equal_and_of_empty_answers():
    answers = ["alpha beta gamma", "delta epsilon", "", "alpha beta gamma", "zeta"]
    phrases = phrase_likeness(answers, 2)
    assert phrases[0, 0] == pytest.approx(1.0) and phrases[1, 0] == 0.0 and phrases[2].tolist() == [0.0, 0.0]
    makeup = makeup_likeness(answers, 2)
    assert makeup[0, 0] == 0.0 and makeup.max() <= 0.0 and np.isfinite(makeup).all()


def test_a_phrase_that_all_give_counts_less_than_one_that_few_give():
    answers = ["common start rare end", *(f"common start other{i} thing{i}" for i in range(8)), "common start rare end"]
    phrases = phrase_likeness(answers, 1)[:, 0]
    assert phrases[0] > 0.99 and phrases[1:].max() < 0.2


def test_the_page_says_what_it_is_and_escapes_names():
    outputs = panel(suspect_style=1, prompts=30)
    hostile = ("<script>alert(1)</script>", *outputs.models[1:])
    found = compare(Outputs(hostile, outputs.prompts, outputs.answers), 2)
    page = render_comparison(found)
    assert page.count(TRIAGE.split(".")[0]) >= 4 and page.count(TRIAGE) == 2
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "http" not in page
    assert found.to_json()["triage"] == TRIAGE
    assert render_comparison(found) == page


def table(tmp_path, rows, name="outputs.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(names, prompts=40):
    return [{"model": name, "prompt_id": f"p{at}", "output": f"{name} {at}"} for name in names for at in range(prompts)]


def test_reading_outputs(tmp_path):
    names = ["s", "t", "u", "a", "b"]
    rows = [*rows_of(names), *rows_of(["sparse"], prompts=5)]
    found = read_outputs(table(tmp_path, rows), "s", ["t", "u"])
    assert found.models == ("s", "a", "b", "t", "u") and len(found.prompts) == 40
    assert found.answers[0][0].startswith("s ") and found.answers[0][-1].startswith("u ")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "outputs.parquet")
    assert read_outputs(tmp_path / "outputs.parquet", "s", ["t", "u"], ["b"]).models == ("s", "b", "t", "u")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("s", ["t", "x"]), "no outputs of x"),
        (("nobody", ["t"]), "no outputs of nobody"),
        (("s", ["t", "t"]), "named twice: t"),
        (("s", ["t"], ["sparse"]), "only 5 prompts"),
    ],
)
def test_outputs_that_cannot_be_compared(tmp_path, arguments, words):
    rows = [*rows_of(["s", "t", "a"]), *rows_of(["sparse"], prompts=5)]
    with pytest.raises(InputError, match=words):
        read_outputs(table(tmp_path, rows), *arguments)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "line 1 is no JSON"),
        ("[1]\n", "line 1 is no JSON object"),
        ("", "holds no rows"),
        ('{"model": "a", "prompt_id": 3}\n', "row 1: column 'prompt_id' is no text"),
        ('{"model": "a"}\n', "row 1: column 'prompt_id' is missing"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, content, words):
    (tmp_path / "bad.jsonl").write_text(content)
    with pytest.raises(InputError, match=words):
        read_outputs(tmp_path / "bad.jsonl", "s", ["t"])
    (tmp_path / "bad.parquet").write_text("no parquet")
    for name in ("bad.parquet", "missing.parquet", "missing.jsonl"):
        with pytest.raises(InputError, match="cannot be read"):
            read_outputs(tmp_path / name, "s", ["t"])


def test_too_few_teachers_or_peers():
    with pytest.raises(InputError, match="at least 2 teachers and 5 controls"):
        compare(panel(1, peers=4), 2)
    with pytest.raises(InputError, match="not 1 and"):
        compare(panel(1), 1)
