"""Encoders and estimators through the same call."""

import json

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iolaus.distill import carry_out, distill
from iolaus.distill.reading import check_plan
from iolaus.errors import IolausError, PlanError


@pytest.fixture(scope="module")
def forest():
    from sklearn.ensemble import RandomForestClassifier

    draw = np.random.default_rng(0)
    rows = draw.normal(size=(400, 4))
    return RandomForestClassifier(20, random_state=0).fit(rows, rows[:, 0] + 0.3 * rows[:, 1] > 0), rows


def test_a_fitted_model_in_one_call(forest, tmp_path):
    model, rows = forest
    result = distill(model, "tree", rows, out=tmp_path / "out", report={"bar": 0.8})
    judged = result.report.judged[0]
    assert judged.name == "fidelity to the teacher" and judged.verdict == "kept"
    assert set(judged.models) == {"distilled", "hard_label"}
    assert (tmp_path / "out" / "student" / "tree.svg").read_text().startswith("<svg")
    kept = json.loads((tmp_path / "out" / "student" / "surrogate.json").read_text())
    assert kept["form"]["feature"] and kept["fidelity"]["value"] == judged.models["distilled"].value
    assert result.student.scores(rows).shape == (400, 2)


def test_a_joblib_file_and_a_table(forest, tmp_path):
    model, rows = forest
    joblib.dump(model, tmp_path / "model.joblib")
    pq.write_table(pa.table({f"f{i}": rows[:, i] for i in range(4)} | {"word": ["x"] * 400}), tmp_path / "t.parquet")
    plan = {
        "teacher": {"kind": "estimator", "path": str(tmp_path / "model.joblib")},
        "student": {"kind": "rules", "queries": 500},
        "corpus": {"path": str(tmp_path / "t.parquet"), "columns": ["f0", "f1", "f2", "f3"]},
        "out": str(tmp_path / "out"),
    }
    with pytest.raises(PlanError, match="runs what is in it"):
        carry_out(check_plan(plan, "test"))
    plan["teacher"]["trusted"] = True
    result = carry_out(check_plan(plan, "test"))
    assert "f0" in (tmp_path / "out" / "student" / "surrogate.txt").read_text()
    assert result.student.names == ("f0", "f1", "f2", "f3")
    for change, words in (
        ({"corpus": {"path": str(tmp_path / "t.parquet")}}, "column 'word': holds string"),
        ({"corpus": {"path": str(tmp_path / "t.parquet"), "columns": ["no"]}}, "no column 'no'"),
        ({"corpus": {"path": str(tmp_path / "no.csv")}}, "cannot be read"),
        ({"student": {"hidden": 16}}, "has a student of kind tree or rules or linear, not causal"),
    ):
        with pytest.raises(IolausError, match=words):
            carry_out(check_plan(plan | change, "test"))


@pytest.fixture(scope="module")
def small_encoder(tmp_path_factory):
    """A fresh BERT of one layer over a vocabulary of whole words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *"red blue green stone river cloud seven nine then . then".split()[:10],
    ]
    raw = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    folder = tmp_path_factory.mktemp("encoder")
    raw.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    return folder


def test_an_encoder(small_encoder, corpus_file, tmp_path):
    pairs = tmp_path / "pairs.jsonl"
    draw = np.random.default_rng(1)
    words = "red blue green stone river cloud seven nine".split()
    with pairs.open("w") as file:
        for _ in range(40):
            first, second = draw.choice(words, 3), draw.choice(words, 3)
            score = len(set(first) & set(second))
            file.write(json.dumps({"first": " ".join(first), "second": " ".join(second), "score": score}) + "\n")
    plan = {
        "teacher": {"kind": "encoder", "path": str(small_encoder)},
        "student": {"kind": "static", "width": 16, "batch": 64, "cells": 2},
        "corpus": {"path": str(corpus_file), "valid_share": 0.3},
        "budget": {"steps": 20, "learning_rate": 0.005},
        "report": {"pairs": [str(pairs)], "resamples": 200},
        "out": str(tmp_path / "out"),
    }
    result = carry_out(check_plan(plan, "test"))
    first, second = result.report.judged
    assert set(first.models) == {"undistilled", "distilled"} and set(second.models) == {
        "teacher",
        "undistilled",
        "distilled",
    }
    assert second.name == "pairs (Spearman)" and second.retention is not None
    assert (tmp_path / "out" / "student" / "static.npz").exists()
    assert result.student.encode(["red blue"]).shape == (1, 16)
    pairs.write_text('{"first": "a"}\n')
    with pytest.raises(IolausError, match="row 1: needs first, second"):
        carry_out(check_plan(plan, "test"))


def test_an_encoder_with_fewer_layers(small_encoder, corpus_file, tmp_path):
    plan = {
        "teacher": {"kind": "encoder", "path": str(small_encoder)},
        "student": {"kind": "layers", "kept": [0], "batch": 32, "cells": 2},
        "corpus": {"path": str(corpus_file), "valid_share": 0.3},
        "budget": {"steps": 3, "learning_rate": 1e-4},
        "report": {"resamples": 200},
        "out": str(tmp_path / "out"),
    }
    report = carry_out(check_plan(plan, "test")).report
    assert report.judged[0].models["undistilled"].value == pytest.approx(1.0, abs=1e-6)
    assert (tmp_path / "out" / "student" / "model.safetensors").exists()


def test_safeguards_and_protected_text(small_plan, tmp_path):
    """The report holds both, apart; the mixed-in safeguards are shown with what they change."""
    refusal = "I cannot help with that."
    harmful, safe, mixed, protected = (tmp_path / f"{name}.jsonl" for name in ("harmful", "safe", "mixed", "protected"))
    harmful.write_text("".join(json.dumps({"prompt": f"harm {i}"}) + "\n" for i in range(6)))
    safe.write_text("".join(json.dumps({"prompt": f"red blue seven {i}"}) + "\n" for i in range(6)))
    mixed.write_text("".join(json.dumps({"prompt": f"harm {i}", "response": refusal}) + "\n" for i in range(10, 20)))
    protected.write_text(json.dumps({"text": " ".join(["river", "cloud", "nine"] * 10)}) + "\n")
    small_plan |= {"safeguards": {"path": str(mixed), "share": 0.3}}
    small_plan["report"] |= {
        "harmful": str(harmful),
        "safe": str(safe),
        "protected": str(protected),
        "protected_words": 5,
        "verbatim_words": 4,
        "answer_tokens": 12,
        "documents": 5,
        "hard_label_student": True,
    }
    report = carry_out(check_plan(small_plan, "test")).report
    everyone = {"teacher", "undistilled", "hard_label", "distilled", "without_safeguards"}
    assert set(report.further["refusals"]) == everyone
    assert set(report.further["protected text"]) == everyone
    assert any("their cost" in note for note in report.notes)
    assert any("verbatim rate changes" in note for note in report.notes)
    small_plan["report"] |= {"safe": None}
    with pytest.raises(PlanError, match="give both"):
        carry_out(check_plan(small_plan, "test"))
