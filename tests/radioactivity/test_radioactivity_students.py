"""Small students of marked text, innocents, and texts that transformers itself marked."""

import numpy as np
import pytest
import torch
from radioactivity_cases import (
    MARKS,
    VOCABULARY,
    bigram_counts,
    green_texts,
    rekeyed,
    surplus_windows,
    teacher_table,
)
from radioactivity_words import SETTINGS, WORDS, marked_answers, word_model, word_tokenizer

from iolaus.errors import AccessError, InputError
from iolaus.lm import Access, LocalModel
from iolaus.provenance.radioactivity import (
    GreenList,
    SynthId,
    Trial,
    Windows,
    judge,
    mark_from,
    radioactivity_of_model,
    radioactivity_of_text,
    radioactivity_of_told,
    read_mark,
)
from iolaus.provenance.radioactivity.probe import model_windows, text_windows
from iolaus.provenance.radioactivity.windows import first_of_each

GREEN = MARKS["green"]


def judged(student, reference, mark=GREEN, decoys=100):
    return judge(
        mark,
        surplus_windows(student, reference),
        form="distribution",
        positions=len(student),
        trial=Trial(decoys=decoys),
    )


def test_a_student_of_marked_text_is_found_and_a_tenth_of_it_less_clearly():
    teacher = teacher_table()
    reference = bigram_counts(green_texts(teacher, None, 0.0, 400, 40, seed=1))
    marked = green_texts(teacher, GREEN, 2.0, 400, 40, seed=2)
    plain = green_texts(teacher, None, 0.0, 400, 40, seed=3)
    whole = judged(bigram_counts(marked), reference)
    tenth = judged(bigram_counts(np.concatenate([marked[:40], plain[:360]])), reference)
    assert whole.radioactive and whole.rank == 1 and whole.p_value < 1e-12
    assert whole.p_value < tenth.p_value and tenth.z > 2


def test_innocents_of_the_same_teacher_stay_innocent():
    """Trained on the teacher's unmarked answers, against a reference that knows the teacher badly: 300 keys."""
    teacher = teacher_table()
    innocent = bigram_counts(green_texts(teacher, None, 0.0, 300, 40, seed=4))
    stranger = bigram_counts(green_texts(teacher_table(7), None, 0.0, 20, 40, seed=5))
    found = [judged(innocent, stranger, rekeyed(GREEN, seed), decoys=0) for seed in range(300)]
    bounds = np.array([one.p_value for one in found])
    for level in (0.1, 0.03, 0.01):
        assert (bounds <= level).mean() <= level + 3 * np.sqrt(level / 300)


def copying_windows(text, mark, first_only):
    """Windows of an innocent that copies what followed a token earlier in the same text, against a flat reference."""
    counts = np.full((VOCABULARY, VOCABULARY), 0.02)
    contexts, weights = [], []
    for at, token in enumerate(text):
        contexts.append(token)
        row = counts[token] / counts[token].sum()
        weights.append(row - 1 / VOCABULARY)
        if at + 1 < len(text):
            counts[token, text[at + 1]] += 1
    places = np.arange(len(text))
    if first_only:
        places = first_of_each(mark.seeds(np.array(contexts)[:, None]))
    return Windows(
        np.array(contexts)[places].repeat(VOCABULARY)[:, None],
        np.tile(np.arange(VOCABULARY), len(places)),
        np.array(weights)[places].ravel(),
    )


def test_marked_probes_need_first_places():
    """Copying from a marked probing text accuses the innocent at every place, and not at first places."""
    teacher, wrong, right = teacher_table(), 0, 0
    for seed in range(60):
        mark = rekeyed(GREEN, seed)
        text = green_texts(teacher, mark, 2.0, 1, 400, seed=seed)[0]
        for first_only in (False, True):
            windows = copying_windows(text, mark, first_only)
            found = judge(mark, windows, form="distribution", positions=400, trial=Trial(alpha=0.01, decoys=0))
            wrong += found.radioactive and not first_only
            right += found.radioactive and first_only
    assert wrong > 50
    assert right <= 2


@pytest.fixture(scope="module", params=list(SETTINGS))
def written(request):
    local = word_model()
    settings = SETTINGS[request.param]
    return local, mark_from(settings.to_dict(), len(WORDS)), marked_answers(local, settings), settings


def test_what_transformers_writes_is_read(written):
    local, mark, answers, _ = written
    found = radioactivity_of_text(mark, local.tokenizer, answers, trial=Trial(decoys=100))
    assert found.radioactive and found.rank == 1 and found.form == "text"
    assert found.windows <= found.positions == 40 * 60
    other = radioactivity_of_text(rekeyed(mark, 1), local.tokenizer, answers, trial=Trial(decoys=100))
    assert not other.radioactive


def test_a_model_trained_on_what_transformers_writes_is_found(written):
    _, mark, answers, _ = written
    student = word_model(seed=1, name="student")
    base = word_model(seed=1, name="base")
    rows = torch.tensor([[*one.prompt, *one.answer] for one in (student.encode(*pair) for pair in answers)])
    optimiser = torch.optim.AdamW(student.network.parameters(), lr=1e-2)
    for _ in range(60):
        loss = student.network(input_ids=rows, labels=rows).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    plain = [(prompt, "") for prompt, _ in answers]
    if isinstance(mark, GreenList):
        with pytest.raises(InputError, match="carry the mark themselves"):
            radioactivity_of_model(mark, student, answers, base, trial=Trial(decoys=0))
        found = radioactivity_of_model(mark, student, plain, base, trial=Trial(alpha=1e-3, decoys=100))
        assert found.radioactive and found.rank <= 2 and not found.caveats
    found = radioactivity_of_model(mark, student, answers, base, marked=True, trial=Trial(alpha=1e-2, decoys=100))
    assert found.radioactive and found.rank <= 2
    assert bool(found.caveats) == isinstance(mark, SynthId)
    innocent = radioactivity_of_model(
        mark, word_model(seed=5), answers, base, marked=True, trial=Trial(alpha=1e-2, decoys=50)
    )
    assert not innocent.radioactive


def test_copies_and_repeats_are_left_out_of_texts():
    mark, tokenizer = GreenList(11, len(WORDS)), word_tokenizer()
    windows, count = text_windows(mark, tokenizer, [("w6 w2 w3", " w4 w6 w2 w5"), ("w9 w4", " w6 w2 w5 w5 w5")])
    pairs = list(zip(windows.contexts[:, 0].tolist(), windows.tokens.tolist(), strict=True))
    assert pairs == [(3, 4), (4, 6), (2, 5), (5, 5)]
    assert count == 9


def test_vocabularies_must_agree():
    other = word_tokenizer()
    other.add_tokens(["new"])
    big = LocalModel(word_model().network, word_tokenizer())
    big.tokenizer = other
    with pytest.raises(AccessError, match="different vocabularies"):
        model_windows(GREEN, word_model(), [("w3", " w2")], big)
    with pytest.raises(InputError, match="too short"):
        radioactivity_of_text(MARKS["synthid"], word_tokenizer(), [("", "w3")])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "no mark is described"),
        ({"hashing_key": "x"}, "hashing_key must be a whole number"),
        ({"hashing_key": 1, "seeding_scheme": "selfhash"}, "only lefthash"),
        ({"hashing_key": 1, "greenlist_ratio": 2}, "between 0 and 1"),
        ({"keys": [1, "2"], "ngram_len": 5}, "list of whole numbers"),
        ({"keys": [1, 2]}, "ngram_len must be"),
    ],
)
def test_settings_that_describe_no_mark(settings, words):
    with pytest.raises(InputError, match=words):
        mark_from(settings, 100)


def test_marks_are_read_as_transformers_writes_them(tmp_path):
    for name, settings in SETTINGS.items():
        settings.to_json_file(tmp_path / name)
        assert read_mark(tmp_path / name, 50) == mark_from(settings.to_dict(), 50)
    (tmp_path / "gumbel").write_text('{"gumbel_key": 4, "vocab_size": 70}')
    assert read_mark(tmp_path / "gumbel", 50).vocabulary == 70
    (tmp_path / "bad").write_text("[1]")
    (tmp_path / "worse").write_text("{")
    for name in ("bad", "worse", "missing"):
        with pytest.raises(InputError, match=name):
            read_mark(tmp_path / name, 50)


def test_a_suspect_that_tells_its_likeliest_tokens(written):
    """Through the protocol alone: what the marking model itself tells, on its own marked answers."""
    local, mark, answers, settings = written

    class Marked:
        """Tells what transformers' processor makes of the model's own probabilities."""

        name, access = "marked", Access.TEXT | Access.TOP_K | Access.PREFILL

        def next_token(self, prompt, begun, top):
            one = local.encode(prompt, begun)
            ids = torch.tensor([[*one.prompt, *one.answer]])
            scores = local.network(input_ids=ids).logits[:, -1].detach()
            processor = settings.construct_processor(len(WORDS), "cpu")
            if isinstance(mark, SynthId):
                processor(ids, scores)
                processor.state.context = ids[:, -mark.width - 1 : -1]
            best = processor(ids, scores)[0].log_softmax(-1).topk(top)
            spelled = [local._spell(token) for token in best.indices.tolist()]
            return tuple(zip(spelled, best.values.tolist(), strict=True))

    found = radioactivity_of_told(
        mark, Marked(), local.tokenizer, answers, local, queries=250, marked=True, trial=Trial(decoys=50)
    )
    assert found.p_value < 1e-3 and found.rank == 1 and found.form == "top-k" and 100 < found.positions <= 250
    plain = radioactivity_of_told(
        mark, local, local.tokenizer, answers, local, queries=50, marked=True, trial=Trial(decoys=20)
    )
    assert abs(plain.statistic) < 1e-4
