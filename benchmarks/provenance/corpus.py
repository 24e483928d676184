"""Real prompts and answers for the experiments, cut into the roles that a case has.

Everything comes from the shared evaluation data and stays there; nothing of it is written into results.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

__all__ = ["ANSWER", "PROMPT", "VOCABULARY", "Roles", "pack", "read_roles"]

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
VOCABULARY = 1024
PROMPT, ANSWER = 24, 64  # tokens; the newest part of a longer prompt, the first part of a longer answer
PAD, SEPARATOR, END = 0, 1, 2


@dataclass(frozen=True)
class Roles:
    """Token ids by role: pairs of prompts and answers, each an (n, width) array padded with PAD.

    ``base``: what the suspect's base had read (answers of some 150 public models). ``teacher``: what the teacher
    and its sibling were made of. ``asked``: prompts that neither has seen, with an unrelated real answer to each.
    """

    tokenizer: Tokenizer
    base: tuple[np.ndarray, np.ndarray]
    teacher: tuple[np.ndarray, np.ndarray]
    asked: tuple[np.ndarray, np.ndarray]


def pack(tokenizer: Tokenizer, texts: list[str], width: int, *, answer: bool) -> np.ndarray:
    """Token ids of texts: prompts keep their end, answers their beginning and an END where they fit."""
    rows = np.full((len(texts), width), PAD, dtype=np.int64)
    for row, encoded in zip(rows, tokenizer.encode_batch(texts), strict=True):
        ids = [*encoded.ids, END][:width] if answer else encoded.ids[-width:]
        row[: len(ids)] = ids
    return rows


def _tokenizer(texts: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=["<pad>", "<sep>", "<end>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return tokenizer


def read_roles(seed: int = 0, base_rows: int = 16_000, asked_rows: int = 18_000) -> Roles:
    """Read and cut the shared data; the same seed gives the same roles."""
    rng = np.random.default_rng(seed)
    outputs = pq.read_table(SHARED / "model_outputs.parquet", columns=["source", "prompt", "output"]).to_pylist()
    general = [(r["prompt"], r["output"]) for r in outputs if r["output"] and "alpaca" in r["source"]]
    rows = pq.read_table(SHARED / "campaign_text.parquet").to_pylist()
    taught = [(r["prompt"], r["response"]) for r in rows if "stanford" in r["source"] and r["response"]]
    general = [general[i] for i in rng.permutation(len(general))[:base_rows]]
    taught = [taught[i] for i in rng.permutation(len(taught))]
    tokenizer = _tokenizer([a for _, a in general[:4000]] + [a for _, a in taught[asked_rows : asked_rows + 8000]])

    def packed(pairs: list[tuple[str, str]]) -> tuple[np.ndarray, np.ndarray]:
        return (
            pack(tokenizer, [p for p, _ in pairs], PROMPT, answer=False),
            pack(tokenizer, [a for _, a in pairs], ANSWER, answer=True),
        )

    return Roles(tokenizer, packed(general), packed(taught[asked_rows:]), packed(taught[:asked_rows]))
