"""Tiny models and texts, made once: a byte-level tokenizer, a teacher trained for seconds, a corpus with a rule."""

import json

import pytest
from distill_models import sentences, small_llama

torch = pytest.importorskip("torch")


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tokenizer")
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator([f"{row['prompt']}\n\n{row['response']}" for row in sentences(200, 0)], trainer)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end>", pad_token="<end>")
    wrapped.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in sentences(300, 1)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def teacher_folder(tmp_path_factory, tokenizer_folder):
    """A teacher that knows the rule after 60 updates."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    network = small_llama(tokenizer, 48, 2)
    texts = [f"{row['prompt']}\n\n{row['response']}<end>" for row in sentences(400, 2)]
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3)
    for start in range(0, 60 * 16, 16):
        batch = [texts[i % len(texts)] for i in range(start, start + 16)]
        ids = tokenizer(batch, padding=True, return_tensors="pt")["input_ids"]
        loss = network(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("teacher")
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def small_plan(teacher_folder, corpus_file, tmp_path):
    """A plan that runs in a second or two, as plain values."""
    return {
        "teacher": {"kind": "causal", "path": str(teacher_folder)},
        "student": {"hidden": 16, "layers": 1, "heads": 2, "inner": 32},
        "corpus": {"path": str(corpus_file), "block": 48},
        "objective": {"name": "forward_kl"},
        "budget": {"steps": 12, "rows": 8, "learning_rate": 0.01, "checkpoint_every": 5, "device": "cpu"},
        "report": {"resamples": 200, "documents": 20, "cost_repeats": 1},
        "out": str(tmp_path / "out"),
    }
