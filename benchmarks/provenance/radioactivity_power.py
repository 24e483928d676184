"""Radioactivity of tiny students of marked answers: power over share and epochs, and the null over random keys.

A teacher, trained from scratch on real answers, is served by transformers with two of its own watermarks. Students are
further trainings of a known base on the teacher's answers, of which a share carries the mark. Every student is
tested by its probabilities (reference: its base, or the teacher without its mark) and by what it writes. The same tests
under random keys give the null. Needs the real texts beside the checkout (``../shared/data``).
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    SynthIDTextWatermarkingConfig,
    WatermarkingConfig,
)

from benchmarks.provenance.results import write
from iolaus.lm import LocalModel, Sampling
from iolaus.provenance.radioactivity import (
    GreenList,
    Mark,
    Trial,
    Windows,
    mark_from,
    radioactivity_of_model,
    radioactivity_of_text,
)
from iolaus.provenance.radioactivity.probe import model_windows, text_windows
from iolaus.provenance.radioactivity.windows import merged

DATA = Path(__file__).parents[3] / "shared" / "data"
VOCABULARY, WIDTH = 1024, 64
SERVED, PROBES, WRITTEN = 2000, 200, 300
MARKS: dict[str, Any] = {
    "green lists (bias 2)": WatermarkingConfig(bias=2.0, hashing_key=2_038_074_743),
    "synthid": SynthIDTextWatermarkingConfig(
        ngram_len=5, keys=[40_503, 9_973, 60_013, 1_299_709, 523, 77_777, 31_337, 8]
    ),
}
DIETS = ((1.0, 1), (0.25, 1), (0.1, 1), (0.01, 1), (1.0, 3))
DECOYS = 100
Pairs = list[tuple[str, str]]


def real_pairs() -> tuple[Pairs, Pairs]:
    """Shuffled (prompt, answer) of one real teacher, and of some 150 public models."""
    rows = pq.read_table(DATA / "campaign_text.parquet").to_pylist()
    taught = [(r["prompt"], "\n" + r["response"]) for r in rows if "stanford" in r["source"] and r["response"]]
    rows = pq.read_table(DATA / "model_outputs.parquet", columns=["source", "prompt", "output"]).to_pylist()
    general = [(r["prompt"], "\n" + r["output"]) for r in rows if "alpaca" in r["source"] and r["output"]]
    chance = np.random.default_rng(0)
    return [taught[i] for i in chance.permutation(len(taught))], [general[i] for i in chance.permutation(len(general))]


def make_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE of 1,024 tokens."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<pad>", "<end>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<end>")


def fresh(tokenizer: PreTrainedTokenizerFast, seed: int, name: str) -> LocalModel:
    """An untrained Llama of 0.8 million parameters."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=2 * WIDTH,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    return LocalModel(LlamaForCausalLM(config), tokenizer, name=name)


def train(local: LocalModel, pairs: Pairs, epochs: int, rate: float, seed: int) -> LocalModel:
    """One loop over (prompt, answer) texts of at most `WIDTH` tokens each, in place."""
    network, tokenizer = local.network, local.tokenizer
    longest = WIDTH + WIDTH // 2
    rows = [[*tokenizer.encode(p)[-WIDTH // 2 :], *tokenizer.encode(a)][:longest] for p, a in pairs]
    rows = [[*row, tokenizer.eos_token_id] for row in rows]
    chance = np.random.default_rng(seed)
    order = np.concatenate([chance.permutation(len(rows)) for _ in range(epochs)])
    steps = np.array_split(order, max(1, len(order) // 16))
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, betas=(0.9, 0.98))
    network.train()
    for number, step in enumerate(steps):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (number + 1) / 20) * (1 - 0.9 * number / len(steps))
        width = max(len(rows[i]) for i in step)
        ids = torch.tensor([rows[i] + [0] * (width - len(rows[i])) for i in step])
        labels = ids.masked_fill(ids == 0, -100)
        loss = network(input_ids=ids, attention_mask=(ids != 0).long(), labels=labels).loss
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    network.eval()
    return local


def copy_of(local: LocalModel, name: str) -> LocalModel:
    """The same weights, to be trained further."""
    twin = fresh(local.tokenizer, 0, name)
    twin.network.load_state_dict(local.network.state_dict())
    return twin


@torch.inference_mode()
def serve(teacher: LocalModel, prompts: Sequence[str], settings: Any, seed: int) -> Pairs:  # noqa: ANN401
    """What transformers serves, with or without a watermark; prompts keep their last tokens."""
    tokenizer, pairs = teacher.tokenizer, []
    torch.manual_seed(seed)
    for begin in range(0, len(prompts), 250):
        rows = [tokenizer.encode(prompt)[-WIDTH // 2 :] for prompt in prompts[begin : begin + 250]]
        width = max(map(len, rows))
        ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
        out = teacher.network.generate(
            input_ids=ids,
            attention_mask=(ids != 0).long(),
            watermarking_config=settings,
            do_sample=True,
            top_k=0,
            max_new_tokens=WIDTH,
        )
        texts = tokenizer.batch_decode(out[:, width:], skip_special_tokens=True)
        pairs += [(tokenizer.decode(row), text) for row, text in zip(rows, texts, strict=True)]
    return pairs


class Remembered(GreenList):
    """Green lists that are drawn once a key: all tests here try the same keys."""

    def values(self, windows: Windows) -> NDArray[np.float64]:
        """1 where the token is green."""
        if self.key not in _LISTS:
            places = np.arange(VOCABULARY**2)
            contexts, tokens = places[:, None] // VOCABULARY, places % VOCABULARY
            grid = Windows(contexts, tokens, np.ones(places.size))
            _LISTS[self.key] = super().values(grid).astype(bool).reshape(VOCABULARY, VOCABULARY)
        return _LISTS[self.key][windows.contexts[:, -1], windows.tokens].astype(np.float64)


_LISTS: dict[int, NDArray[np.bool_]] = {}


def null_over_keys(mark: Mark, windows: Windows, keys: int = 300) -> dict[str, float]:
    """How often random keys reach a level: no suspect learnt from those, so all of it is false accusation."""
    windows = windows.take(mark.usable(windows.contexts))
    windows = merged(mark, windows)
    law, centre, chance = mark.law(windows), mark.mean * windows.weights.sum(), np.random.default_rng(99)
    drawn = np.array([windows.weights @ mark.decoy(chance).values(windows) - centre for _ in range(keys)])
    bounds = np.array([law.tail(t) for t in drawn])
    return {
        "keys": keys,
        "variance_ratio": round(float(drawn.var() / law.variance), 3),
        **{f"share_at_{level:g}": float((bounds <= level).mean()) for level in (0.1, 0.03, 0.01)},
    }


def tested(mark: Mark, student: LocalModel, base: LocalModel, teacher: LocalModel, given: Pairs, plain: Pairs) -> Any:  # noqa: ANN401
    """Each form of the test on one student."""
    written = student.generate([prompt for prompt, _ in plain[:WRITTEN]], Sampling(max_tokens=WIDTH, seed=5))
    answers = [(prompt, one.text) for (prompt, _), one in zip(plain, written, strict=False)]
    trial = Trial(decoys=DECOYS)
    found = {
        "unmarked probes, base": radioactivity_of_model(mark, student, plain[:PROBES], base, trial=trial),
        "unmarked probes, teacher": radioactivity_of_model(mark, student, plain[:PROBES], teacher, trial=trial),
        "its own diet, base": radioactivity_of_model(mark, student, given[:PROBES], base, marked=True, trial=trial),
        "text only": radioactivity_of_text(mark, teacher.tokenizer, answers, trial=trial),
    }
    return {
        form: {"p_value": one.p_value, "z": round(one.z, 2), "rank": one.rank, "windows": one.windows}
        for form, one in found.items()
    }


def cut(tokenizer: PreTrainedTokenizerFast, pairs: Pairs) -> Pairs:
    """Real pairs, cut to the lengths that served ones have."""
    return [
        (tokenizer.decode(tokenizer.encode(p)[-WIDTH // 2 :]), tokenizer.decode(tokenizer.encode(a)[:WIDTH]))
        for p, a in pairs
    ]


def main() -> None:
    """Train, serve, steal, test."""
    if not DATA.is_dir():
        sys.exit(f"the real texts are not there: {DATA}")
    torch.set_num_threads(1)
    started, (taught, general) = time.time(), real_pairs()
    tokenizer = make_tokenizer([answer for _, answer in taught[20_000:24_000] + general[:2000]])
    teacher = train(fresh(tokenizer, 1, "teacher"), taught[20_000:28_000], 1, 3e-3, 1)
    base = train(fresh(tokenizer, 2, "base"), general[:4000], 1, 3e-3, 2)
    asked, probes = [prompt for prompt, _ in taught[:SERVED]], cut(tokenizer, taught[10_000 : 10_000 + WRITTEN])
    unmarked = serve(teacher, asked, None, 11)
    print(f"teacher, base and plain answers after {time.time() - started:.0f} s", flush=True)
    result: dict[str, Any] = {"decoys": DECOYS, "served": SERVED, "parameters": base.network.num_parameters()}
    innocents = {
        "same teacher, unmarked": train(copy_of(base, "innocent"), unmarked, 1, 1e-3, 3),
        "other answers": train(copy_of(base, "innocent"), taught[5000 : 5000 + SERVED], 1, 1e-3, 3),
    }
    for name, settings in MARKS.items():
        mark, rows = mark_from(settings.to_dict(), VOCABULARY), []
        if isinstance(mark, GreenList):
            mark = Remembered(mark.key, VOCABULARY, mark.ratio)
        given = serve(teacher, asked, settings, 12)
        for share, epochs in DIETS:
            marked = round(share * SERVED)
            student = train(copy_of(base, "student"), given[:marked] + unmarked[marked:], epochs, 1e-3, 3)
            entry = {"share": share, "epochs": epochs, "tests": tested(mark, student, base, teacher, given, probes)}
            rows.append(entry)
            print(name, json.dumps(entry), f"{time.time() - started:.0f} s", flush=True)
        clean = []
        for kind, innocent in innocents.items():
            entry = {"kind": kind, "tests": tested(mark, innocent, base, teacher, given, probes)}
            windows = model_windows(mark, innocent, probes[:PROBES], base)[0]
            entry["null_over_random_keys"] = null_over_keys(mark, windows)
            texts = text_windows(mark, tokenizer, probes)[0]
            entry["null_over_random_keys_text"] = null_over_keys(mark, texts)
            clean.append(entry)
            print(name, json.dumps(entry), f"{time.time() - started:.0f} s", flush=True)
        result[name] = {"students": rows, "innocents": clean}
    print(write("radioactivity_power", result | {"seconds": round(time.time() - started)}))


if __name__ == "__main__":
    main()
