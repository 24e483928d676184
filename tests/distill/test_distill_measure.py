"""What is measured, against values computed by hand; verdicts; task files; coverage of the intervals."""

import json
import math

import numpy as np
import pytest
import torch
from distill_models import small_llama

from iolaus.distill.measure import (
    Measure,
    calibration_error,
    judge_measure,
    likelihood_measures,
    measure_costs,
    predict_documents,
    read_task,
    score_task,
)
from iolaus.distill.measure.tasks import SCORERS
from iolaus.distill.texts import Encoded
from iolaus.distill.train import load_tokenizer
from iolaus.errors import InputError
from iolaus.lm import LocalModel


def measure_of(teacher, distilled, better="higher"):
    ones = np.ones(len(teacher))
    return Measure("m", better, {"teacher": teacher, "distilled": distilled}, {"teacher": ones, "distilled": ones})


def test_verdicts():
    draw = np.random.default_rng(0)
    teacher = draw.random(400) + 0.5
    for share, bar, verdict in ((0.99, 0.95, "kept"), (0.80, 0.95, "lost")):
        judged = judge_measure(measure_of(teacher, share * teacher), bar, 0.95, 500, 0)
        assert judged.retention.value == pytest.approx(share)
        assert judged.verdict == verdict
    noisy = teacher * 0.95 + draw.normal(0, 0.5, 400)
    assert judge_measure(measure_of(teacher, noisy), 0.95, 0.95, 500, 0).verdict == "inconclusive"
    lower = judge_measure(measure_of(teacher, teacher * 1.25, "lower"), 0.95, 0.95, 500, 0)
    assert lower.retention.value == pytest.approx(0.8)
    alone = Measure("m", "higher", {"distilled": teacher}, {"distilled": np.ones(400)})
    assert judge_measure(alone, 0.95, 0.95, 500, 0).verdict == "not compared"


def test_interval_covers_the_true_retention():
    """Nominal 90% intervals of a ratio of two paired means cover the truth in 84 to 96% of 200 worlds."""
    draw = np.random.default_rng(1)
    covered = 0
    for world in range(200):
        ability = draw.random(150)
        teacher = (draw.random(150) < ability * 0.9 + 0.05).astype(float)
        student = (draw.random(150) < ability * 0.8 + 0.05).astype(float)
        kept = judge_measure(measure_of(teacher, student), 0.95, 0.9, 400, world).retention
        covered += kept.low <= 0.45 / 0.50 <= kept.high
    assert 168 <= covered <= 192


def test_a_bar_is_rarely_passed_by_chance():
    """A student exactly at the bar is called kept or lost in about 5% of the worlds together, not more than 10%."""
    draw = np.random.default_rng(2)
    called = 0
    for world in range(200):
        teacher = (draw.random(300) < 0.8).astype(float)
        student = (draw.random(300) < 0.76).astype(float)
        called += judge_measure(measure_of(teacher, student), 0.95, 0.95, 400, world).verdict != "inconclusive"
    assert called <= 20


def test_likelihood_by_hand(tokenizer_folder):
    tokenizer = load_tokenizer(str(tokenizer_folder))
    teacher, student = small_llama(tokenizer, seed=1).eval(), small_llama(tokenizer, 16, 1, seed=2).eval()
    documents = [Encoded([5, 6, 7, 8, 0], 2), Encoded([9, 10, 11], 0), Encoded([4, 3, 2, 1, 0, 1, 2], 1)]
    found, tokens = predict_documents({"teacher": teacher, "distilled": student}, documents, 6, len(tokenizer))
    assert tokens.tolist() == [3, 2, 5]
    for row, document in enumerate(documents):
        ids = torch.tensor([document.ids[:6]])
        with torch.no_grad():
            log_q = torch.log_softmax(student(ids).logits[0, :-1], -1)
            log_p = torch.log_softmax(teacher(ids).logits[0, :-1], -1)
        places = range(max(1, document.learned_from) - 1, ids.shape[1] - 1)
        nll = -sum(log_q[i, ids[0, i + 1]].item() for i in places)
        apart = sum((log_p[i].exp() * (log_p[i] - log_q[i])).sum().item() for i in places)
        same = sum(int(log_p[i].argmax() == log_q[i].argmax()) for i in places)
        assert found["distilled"].nll[row] == pytest.approx(nll, rel=1e-4)
        assert found["distilled"].apart[row] == pytest.approx(apart, rel=1e-3, abs=1e-5)
        assert found["distilled"].agreement[row] == same
    assert found["teacher"].agreement.tolist() == tokens.tolist()
    names = [measure.name for measure in likelihood_measures(found, tokens)]
    assert names == ["nll per token", "next-token accuracy", "agreement with the teacher", "KL from the teacher"]


def test_calibration_by_hand(tokenizer_folder):
    tokenizer = load_tokenizer(str(tokenizer_folder))
    network = small_llama(tokenizer, seed=1).eval()
    with torch.no_grad():
        network.get_output_embeddings().weight.mul_(40)
    documents = [Encoded(np.random.default_rng(i).integers(0, 300, 12).tolist(), 0) for i in range(30)]
    found, _ = predict_documents({"distilled": network}, documents, 12, len(tokenizer))
    sure, right = [], []
    for document in documents:
        ids = torch.tensor([document.ids])
        with torch.no_grad():
            q = torch.softmax(network(ids).logits[0, :-1], -1)
        sure += q.max(-1).values.tolist()
        right += (q.argmax(-1) == ids[0, 1:]).tolist()
    bins = np.minimum((np.array(sure) * 15).astype(int), 14)
    by_hand = sum(
        abs(np.mean(np.array(right)[bins == b]) - np.mean(np.array(sure)[bins == b])) * np.mean(bins == b)
        for b in set(bins.tolist())
    )
    value, low, high = calibration_error(found["distilled"], 0.95, 300, 0)
    assert value == pytest.approx(by_hand, abs=1e-4)
    assert low <= high


def test_costs(tokenizer_folder):
    network = small_llama(load_tokenizer(str(tokenizer_folder)))
    costs = measure_costs(network, 3)
    assert costs.parameters == sum(weight.numel() for weight in network.parameters())
    assert costs.bytes == 4 * costs.parameters
    assert costs.flops_per_token == 2 * costs.parameters
    assert min(costs.latency_ms, costs.tokens_per_second, costs.cpu_seconds_per_1000_tokens) > 0


def write_items(path, *items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


def test_tasks_of_all_kinds(teacher_folder, tmp_path):
    path = write_items(
        tmp_path / "rule.jsonl",
        {
            "kind": "choice",
            "prompt": "red blue nine 5\n\n",
            "choices": ["blue then red", "seven then nine"],
            "answer": 0,
        },
        {"kind": "exact", "prompt": "red blue nine 5\n\n", "answer": "never this", "max_tokens": 4},
        {"kind": "generate", "prompt": "red blue nine 5\n\n", "answer": "", "scorer": "contains", "max_tokens": 3},
    )
    task = read_task(path)
    assert task.chance is None
    scores = score_task(task, LocalModel.load(teacher_folder))
    assert scores[1:].tolist() == [0, 1]
    only = read_task(write_items(tmp_path / "c.jsonl", {"prompt": "a", "choices": ["x", "y", "z"], "answer": 2}))
    assert only.chance == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("scorer", "answer", "wanted", "score"),
    [
        ("contains", "The  Answer is Paris.", "answer is paris", 1),
        ("exact", " Paris \nor not", "paris", 1),
        ("exact", "", "paris", 0),
        ("number", "first 3, so 1,234.50", "1234.5", 1),
        ("number", "none", "3", 0),
        ("f1", "a b c", "b c d", 2 / 3),
        ("regex", "id=42", r"id=\d+", 1),
    ],
)
def test_scorers(scorer, answer, wanted, score):
    assert SCORERS[scorer](answer, wanted) == pytest.approx(score)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "is no JSON"),
        ('{"answer": "x"}', "has no prompt"),
        ('{"prompt": "a", "choices": ["x"], "answer": 0}', "two texts or more"),
        ('{"prompt": "a", "choices": ["x", "y"], "answer": 2}', "from 0 to 1"),
        ('{"prompt": "a", "kind": "generate", "answer": "b", "scorer": "vibes"}', "scorer one of"),
        ('{"prompt": "a", "kind": "exact"}', "answer must be a text"),
        ("", "holds no item"),
    ],
)
def test_bad_items_name_file_and_row(tmp_path, line, words):
    path = tmp_path / "task.jsonl"
    path.write_text(line)
    with pytest.raises(InputError, match=words) as caught:
        read_task(path)
    assert "task.jsonl" in str(caught.value)


def test_tasks_in_a_report(small_plan, tmp_path):
    from iolaus.distill import carry_out
    from iolaus.distill.reading import check_plan

    items = [
        {"prompt": f"red blue nine {i}\n\n", "choices": ["blue then red", "nine nine"], "answer": 0} for i in range(9)
    ]
    small_plan["report"] |= {"tasks": [str(write_items(tmp_path / "rule.jsonl", *items))], "documents": 5}
    report = carry_out(check_plan(small_plan, "test")).report
    judged = report.judged[-1]
    assert judged.name == "rule" and judged.chance == 0.5 and judged.units == 9
    assert set(judged.models) == {"teacher", "undistilled", "hard_label", "distilled"}
    assert "| rule ↑ |" in report.markdown()


def test_harness_says_what_to_install(small_plan):
    from importlib.util import find_spec

    from iolaus.distill import carry_out
    from iolaus.distill.reading import check_plan
    from iolaus.errors import PlanError

    if find_spec("lm_eval") is not None:
        pytest.skip("lm-evaluation-harness is installed")
    small_plan["report"] |= {"harness": ["arc_easy"]}
    with pytest.raises(PlanError, match=r"pip install 'iolaus\[harness\]'"):
        carry_out(check_plan(small_plan, "test"))


def test_uniform_network_has_log_v_nats(tokenizer_folder):
    tokenizer = load_tokenizer(str(tokenizer_folder))
    network = small_llama(tokenizer)
    with torch.no_grad():
        network.get_output_embeddings().weight.zero_()
    found, tokens = predict_documents({"distilled": network}, [Encoded([1, 2, 3, 4], 0)], 4, len(tokenizer))
    assert found["distilled"].nll.sum() / tokens.sum() == pytest.approx(math.log(len(tokenizer)), rel=1e-5)
