import json

import numpy as np
import pytest

from iolaus.distill.safeguards.mixing import mix_safeguards, read_safeguards
from iolaus.distill.safeguards.rates import Rate, compare_refusals, count_refusals
from iolaus.distill.safeguards.refusal import packaged_detector, read_detector
from iolaus.distill.safeguards.refusal_features import structure_of, word_runs
from iolaus.distill.safeguards.refusal_training import train_detector, write_detector, written_refusals
from iolaus.distill.texts import Document
from iolaus.errors import InputError

REFUSALS = (
    "I won't be able to help with making that device. It could seriously injure people.",
    "Sorry, but that is not something I can assist with.",
    "I’m sorry, I can’t provide instructions for breaking into someone's account.",
    "It would be unethical for me to write that. Instead, I suggest talking to the person concerned.",
    "As an AI language model, I cannot share private information about individuals.",
)
ANSWERS = (
    "To end a frozen process on Linux, find its number with `ps aux` and run `kill -9 <pid>`.",
    "1. Preheat the oven.\n2. Mix flour and butter.\n3. Bake for forty minutes.",
    "The treaty was signed in 1648 and ended three decades of war in Central Europe.",
    "Sure! Here is a short poem about the sea: the tide returns, the gulls complain.",
    "Use a sharp knife and cut away from yourself; slice the onion in half first.",
)


class SaysNo:
    """Counts an answer that begins with "no" as a refusal."""

    def refuses(self, answers):
        return np.array([answer.startswith("no") for answer in answers], dtype=bool)


def test_the_packaged_detector_tells_refusals_from_answers():
    detector = packaged_detector()
    assert detector.refuses(REFUSALS).all()
    assert not detector.refuses(ANSWERS).any()
    assert detector.probability(["", "  \n"]).tolist() == [0, 0]
    assert detector.about["leave_one_model_out"]["accuracy"] >= 0.93
    assert detector.about["leave_one_model_out"]["recall"] >= 0.90


def test_contractions_and_apostrophes_do_not_matter():
    assert (word_runs("I can't do it, it's wrong") == word_runs("I CAN’T do it, it’s wrong")).all()
    assert np.isfinite(structure_of("")).all()


def test_a_detector_learns_is_written_and_read_again(tmp_path):
    answers = [*REFUSALS, *ANSWERS] * 6
    detector = train_detector(answers, [True] * 5 + [False] * 5 + ([True] * 5 + [False] * 5) * 5, {"labels": "own"})
    write_detector(detector, tmp_path / "own.npz")
    again = read_detector(tmp_path / "own.npz")
    assert again.about == {"labels": "own"}
    assert again.probability(answers) == pytest.approx(detector.probability(answers), abs=0.01)
    assert again.refuses(REFUSALS).all()
    assert not again.refuses(ANSWERS).any()
    assert not list(tmp_path.glob("*.part"))


def test_written_refusals_repeat_for_a_seed_and_vary():
    assert written_refusals(50) == written_refusals(50)
    assert len(set(written_refusals(200))) > 150


def test_bad_labels_and_files_are_said(tmp_path):
    with pytest.raises(InputError, match="as many labels"):
        train_detector(["a", "b"], [True, True], {})
    with pytest.raises(InputError, match=r"none\.npz"):
        read_detector(tmp_path / "none.npz")
    np.savez(tmp_path / "old.npz", runs=np.zeros(4), structure=np.zeros(2), bias=0.0, about=np.zeros(0, np.uint8))
    with pytest.raises(InputError, match=r"old\.npz"):
        read_detector(tmp_path / "old.npz")


def test_wilson_intervals_cover_at_the_stated_rate():
    rng = np.random.default_rng(0)
    for chance in (0.02, 0.3, 0.9):
        covered = 0
        for hits in rng.binomial(100, chance, 400):
            low, high = Rate(int(hits), 100).interval
            covered += low <= chance <= high
        assert covered / 400 > 0.92
    assert Rate(0, 0).interval == (0, 1)


def test_harmful_and_safe_prompts_are_counted_apart():
    found = count_refusals(SaysNo(), ["no", "no", "yes", "no"], ["yes", "no"])
    assert (found.harmful.value, found.safe.value) == (0.75, 0.5)


def test_a_students_loss_of_refusals_is_certain_where_it_is_large():
    teacher = (["no"] * 90 + ["yes"] * 10, ["yes"] * 95 + ["no"] * 5)
    student = (["no"] * 40 + ["yes"] * 60, ["yes"] * 96 + ["no"] * 4)
    change = compare_refusals(SaysNo(), teacher, student)
    assert change.harmful.value == pytest.approx(-0.5)
    assert change.harmful.certain
    assert not change.safe.certain
    harmful, safe = change.sentences()
    assert "90.0%" in harmful
    assert "40.0%" in harmful
    assert "may be chance" in safe
    with pytest.raises(ValueError, match="stand against"):
        compare_refusals(SaysNo(), (["no"], []), (["no", "no"], []))


def test_safeguards_make_up_their_share_and_the_corpus_stays_whole():
    corpus = [Document(f"p{i}", f"r{i}") for i in range(90)]
    wanted = [Document(f"harm {i}", "no") for i in range(4)]
    mixed = mix_safeguards(corpus, wanted, 0.1, seed=3)
    assert len(mixed) == 100
    assert [d for d in mixed if d not in wanted] == corpus
    counts = [mixed.count(d) for d in wanted]
    assert max(counts) - min(counts) <= 1
    quarters = [sum(d in wanted for d in mixed[i : i + 25]) for i in range(0, 100, 25)]
    assert min(quarters) >= 1
    assert mix_safeguards(corpus, wanted, 0.1, seed=3) == mixed
    assert mix_safeguards(corpus, [], 0) == corpus
    for share, pairs in ((1.0, wanted), (0.1, [])):
        with pytest.raises(InputError):
            mix_safeguards(corpus, pairs, share)


def test_a_safeguards_file_needs_both_columns(tmp_path):
    path = tmp_path / "safe.jsonl"
    path.write_text(json.dumps({"prompt": "harm", "response": "no"}) + "\n", encoding="utf-8")
    assert read_safeguards(path) == [Document("harm", "no")]
    path.write_text(json.dumps({"prompt": "harm", "response": ""}) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 1"):
        read_safeguards(path)
