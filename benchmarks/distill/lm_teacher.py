"""Train the 10M teacher of the language-model benchmark: ``python -m benchmarks.distill.lm_teacher WORK MINUTES``.

A plain loop over packed blocks, bfloat16 autocast, AdamW, for a number of minutes (the learning rate falls with the
clock, for the machine is shared). WORK/teacher is written every few minutes, so that a shorter teacher is there if the
run is stopped.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from benchmarks.distill.lm_corpus import prepare

BLOCK, BATCH = 256, 8


def blocks(work: Path) -> np.ndarray:
    """Training documents as one stream cut into blocks; shape (blocks, BLOCK)."""
    cached = work / f"train-{BLOCK}.npy"
    if cached.exists():
        loaded: np.ndarray = np.load(cached)
        return loaded
    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    rows = [json.loads(line) for line in (work / "train.jsonl").open(encoding="utf-8")]
    texts = [f"{row['prompt']}\n\n{row['response']}" for row in rows]
    ids = [i for found in tokenizer(texts)["input_ids"] for i in [*found, tokenizer.eos_token_id]]
    made = np.array(ids[: len(ids) // BLOCK * BLOCK], dtype=np.uint16).reshape(-1, BLOCK)
    np.save(cached, made)
    return made


def llama(vocabulary: int, hidden: int, layers: int, heads: int, inner: int) -> LlamaForCausalLM:
    """A fresh small model with tied embeddings."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config)


def train(work: Path, minutes: float, rate: float = 1.5e-3) -> dict[str, Any]:
    """Train and save; returns the figures of the run."""
    prepare(work)
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    data = blocks(work)
    model = llama(4096, 384, 5, 6, 1024)
    decay = [p for p in model.parameters() if p.ndim == 2]
    rest = [p for p in model.parameters() if p.ndim != 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95))
    order = np.random.default_rng(1).permutation(len(data))
    started, mean, step, spent = time.monotonic(), 0.0, 0, 0.0
    while spent < 60 * minutes:
        warm, left = min(1.0, (step + 1) / 100), 1 - spent / (60 * minutes)
        for group in optimizer.param_groups:
            group["lr"] = rate * warm * max(0.05, min(1.0, left / 0.5))
        chosen = order[np.arange(step * BATCH, (step + 1) * BATCH) % len(data)]
        ids = torch.from_numpy(data[chosen].astype(np.int64))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        step, spent = step + 1, time.monotonic() - started
        if step % 20 == 0:
            print(f"{step} loss {mean:.3f} {step * BATCH * BLOCK / spent:.0f} tok/s", flush=True)
        if step % 200 == 0:
            model.save_pretrained(work / "teacher")
    model.save_pretrained(work / "teacher")
    AutoTokenizer.from_pretrained(work / "tokenizer").save_pretrained(work / "teacher")
    figures = {
        "steps": step,
        "tokens": step * BATCH * BLOCK,
        "parameters": sum(p.numel() for p in model.parameters()),
        "train_loss": mean,
        "seconds": round(spent),
    }
    (work / "teacher.json").write_text(json.dumps(figures))
    return figures


if __name__ == "__main__":
    print(train(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 55.0))
