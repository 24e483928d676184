"""Real model outputs as a corpus: train and held-out answers to disjoint prompts, and a byte-level tokenizer.

The texts stay in ``shared/data``; what is written goes to a working folder outside the project.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
_END = "<|end|>"
_HELD_OUT = 0.15


def prepare(work: Path, documents: int = 24_000, held_out: int = 600, vocabulary: int = 4096) -> dict[str, Any]:
    """Write train.jsonl, valid.jsonl and a tokenizer folder under ``work`` unless they are there.

    Prompts are split by a hash of their id, so no held-out prompt was answered in training, by whichever model.
    """
    from transformers import PreTrainedTokenizerFast

    done = work / "corpus.json"
    if done.exists():
        found: dict[str, Any] = json.loads(done.read_text())
        return found
    work.mkdir(parents=True, exist_ok=True)
    train, valid = _documents(documents, held_out)
    for name, rows in (("train", train), ("valid", valid)):
        with (work / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps({"prompt": p, "response": r}, ensure_ascii=False) + "\n" for p, r in rows)
    raw = _tokenizer([f"{p}\n\n{r}" for p, r in train[:6000]], vocabulary)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=_END, pad_token=_END)
    wrapped.save_pretrained(work / "tokenizer")
    summary = {"train_documents": len(train), "valid_documents": len(valid), "vocabulary": vocabulary}
    done.write_text(json.dumps(summary))
    return summary


def _documents(documents: int, held_out: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    table = pq.read_table(SHARED / "model_outputs.parquet", columns=["source", "prompt_id", "prompt", "output"])
    table = table.filter(pc.equal(table["source"], "tatsu-lab/alpaca_eval"))
    ids = table["prompt_id"].to_pylist()
    share = np.array([int(hashlib.sha256(i.encode()).hexdigest()[:8], 16) / 2**32 for i in ids])
    order = np.random.default_rng(0).permutation(table.num_rows)
    prompts, outputs = table["prompt"].to_pylist(), table["output"].to_pylist()
    usable = [int(i) for i in order if outputs[i] and len(outputs[i]) > 40]
    train = [(prompts[i], outputs[i]) for i in usable if share[i] >= _HELD_OUT][:documents]
    valid = [(prompts[i], outputs[i]) for i in usable if share[i] < _HELD_OUT][:held_out]
    return train, valid


def _tokenizer(texts: list[str], vocabulary: int) -> Any:  # noqa: ANN401 - the tokenizers package has no types
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=[_END], initial_alphabet=alphabet)
    raw.train_from_iterator(texts, trainer)
    return raw
