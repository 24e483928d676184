import itertools

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from iolaus.distill.encoders.layers import LayerPlan, drop_layers, train_layers, write_encoder
from iolaus.distill.encoders.matching import match_teacher
from iolaus.distill.encoders.measure import PairTask, check_disjoint, correlations, share_of_teacher
from iolaus.distill.encoders.neighbours import find_cells
from iolaus.distill.encoders.static import StaticPlan, distil_static, pack_static, vocabulary_pass, write_static
from iolaus.distill.encoders.teacher import SentenceEncoder, load_encoder
from iolaus.errors import InputError, TrainingError
from iolaus.text.static import read_static

WORDS = "red blue green cat dog bird runs sleeps sings slowly quickly loudly the a big small".split()
TEXTS = [" ".join(parts) for parts in itertools.product(["the", "a"], WORDS[:3], WORDS[3:6], WORDS[6:9], WORDS[9:12])]


@pytest.fixture(scope="module")
def teacher():
    """A real, if small and untaught, transformer over a vocabulary of whole words."""
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    tokenizer = Tokenizer(models.WordPiece({name: i for i, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(names), hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=64,
        initializer_range=0.3, attn_implementation="sdpa",
    )  # fmt: skip
    return SentenceEncoder(BertModel(config, add_pooling_layer=False).eval(), tokenizer)


@pytest.fixture(scope="module")
def targets(teacher):
    return teacher.encode(TEXTS)


def alike(ours, theirs):
    """How close the similarities are."""
    return float(np.abs(ours @ ours.T - theirs @ theirs.T).mean())


def test_a_teacher_gives_unit_vectors_whatever_shares_the_batch(teacher, targets):
    assert np.linalg.norm(targets, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert teacher.encode([*TEXTS[:3], "cat"], batch=2)[:3] == pytest.approx(targets[:3], abs=1e-5)
    brief = teacher.encode(TEXTS[:8], brief=True)
    assert (brief * targets[:8]).sum(1).min() > 0.999


def test_training_brings_a_static_student_closer_and_its_file_says_the_same(teacher, targets, tmp_path):
    pieces, alone = vocabulary_pass(teacher)
    assert set(pieces) == set(WORDS)
    plans = [StaticPlan(width=16, steps=steps, batch=64, cells=4, rate=0.03) for steps in (0, 120)]
    heard = []
    before, after = (
        distil_static(pieces, alone, TEXTS, targets, plan, lambda step, loss: heard.append(loss)) for plan in plans
    )
    ours = pack_static(after, {}).encode(TEXTS)
    assert alike(ours, targets) < 0.7 * alike(pack_static(before, {}).encode(TEXTS), targets)
    assert len(heard) == 120
    assert heard[-1] < heard[0]
    write_static(after, {"teacher": "tiny"}, tmp_path / "student.npz")
    again = read_static(tmp_path / "student.npz")
    assert again.about["teacher"] == "tiny"
    assert (again.encode(TEXTS) == ours).all()
    repeated = distil_static(pieces, alone, TEXTS, targets, plans[1])
    assert (repeated.vectors == after.vectors).all()


def test_a_static_student_needs_texts_and_a_teacher_as_wide(teacher, targets):
    pieces, alone = vocabulary_pass(teacher)
    with pytest.raises(InputError, match="needs 512 texts"):
        distil_static(pieces, alone, TEXTS, targets, StaticPlan(width=16))
    with pytest.raises(InputError, match="width 64"):
        distil_static(pieces, alone, TEXTS, targets, StaticPlan(width=64, batch=8))


def test_loss_that_is_no_number_stops_training(teacher, targets):
    pieces, alone = vocabulary_pass(teacher)
    with pytest.raises(TrainingError, match="lower the rate"):
        distil_static(pieces, np.nan * alone, TEXTS, targets, StaticPlan(width=16, steps=5, batch=32, cells=2))
    broken = drop_layers(teacher, [0])
    torch.nn.init.constant_(broken.network.encoder.layer[0].output.dense.bias, torch.nan)
    with pytest.raises(TrainingError, match="lower the rate"):
        train_layers(broken, TEXTS, targets, LayerPlan(steps=3, batch=8))


def test_fewer_layers_are_a_copy_that_training_brings_back(teacher, targets, tmp_path):
    student = drop_layers(teacher, [0, 3])
    assert (student.layers, teacher.layers) == (2, 4)
    assert (drop_layers(teacher, range(4)).encode(TEXTS[:4]) == targets[:4]).all()
    untrained = student.encode(TEXTS)
    words = student.network.embeddings.word_embeddings.weight.detach().clone()
    train_layers(student, TEXTS, targets, LayerPlan(steps=40, batch=32, cells=4, rate=3e-3))
    trained = student.encode(TEXTS)
    assert alike(trained, targets) < alike(untrained, targets)
    assert (trained * targets).sum(1).mean() > (untrained * targets).sum(1).mean()
    assert torch.equal(words, student.network.embeddings.word_embeddings.weight)
    assert (teacher.encode(TEXTS[:4]) == targets[:4]).all()
    write_encoder(student, tmp_path / "student")
    assert load_encoder(tmp_path / "student").encode(TEXTS) == pytest.approx(trained, abs=1e-6)
    assert not (tmp_path / "student.part").exists()


def test_layers_that_are_not_there_are_refused(teacher, tmp_path):
    for kept in ([], [0, 4], [1, 0], [0, 0], [-1]):
        with pytest.raises(InputError):
            drop_layers(teacher, kept)
    with pytest.raises(InputError, match="no sentence encoder"):
        load_encoder(tmp_path)


def test_what_is_matched_is_least_at_the_teacher():
    torch.manual_seed(0)
    theirs = torch.nn.functional.normalize(torch.randn(12, 6, dtype=torch.float64), dim=1)
    assert match_teacher(theirs, theirs, theirs, 1.0).item() == pytest.approx(0, abs=1e-12)
    ours = torch.nn.functional.normalize(torch.randn(12, 6, dtype=torch.float64), dim=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: match_teacher(x, theirs, theirs, 0.5), (ours,))


def test_cells_hold_every_row_once_and_like_rows_together():
    rng = np.random.default_rng(0)
    centres = np.eye(8, dtype=np.float32)
    rows = np.repeat(centres, 100, axis=0) + rng.normal(0, 0.05, (800, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cells = find_cells(rows, seed=0, size=50)
    assert np.sort(cells.order).tolist() == list(range(800))
    drawn = cells.draw(np.random.default_rng(1), 64, cells=2)
    assert np.unique(drawn).size == drawn.size <= 64
    likeness = rows[drawn] @ rows[drawn].T
    assert likeness.mean() > (rows @ rows.T).mean() + 0.2


def test_a_sentence_in_training_and_evaluation_is_named():
    check_disjoint(["A cat."], ["A dog."])
    with pytest.raises(InputError, match="the CAT"):
        check_disjoint(["fine", "the CAT, sleeps"], ["The cat sleeps!"])


def test_the_share_of_the_teacher_and_its_interval():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    left, right = np.arange(200), np.arange(200, 400)
    scores = (vectors[left] * vectors[right]).sum(1)
    tasks = [PairTask("one", left, right, scores), PairTask("two", right, left, scores)]
    assert correlations(tasks, vectors) == pytest.approx({"one": 1, "two": 1})
    noisy = vectors + rng.normal(0, 0.2, vectors.shape)
    found = share_of_teacher(tasks, noisy, vectors)
    assert found.low < found.value < found.high < 1
