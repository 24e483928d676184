"""Tiny language models: one decoder, one training loop, sampling and scoring, each a plain function."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.provenance.corpus import END, PAD, SEPARATOR, VOCABULARY

__all__ = ["Shape", "TinyLM", "Training", "answer_logprob", "fresh", "sample_answers", "sequences", "train"]


@dataclass(frozen=True)
class Shape:
    """Width, layers and heads of a decoder; (96, 4, 4) has 0.55 million parameters."""

    width: int = 96
    layers: int = 4
    heads: int = 4
    context: int = 192


class _Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.before_attention, self.before_mlp = nn.RMSNorm(shape.width), nn.RMSNorm(shape.width)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.up = nn.Linear(shape.width, 4 * shape.width, bias=False)
        self.down = nn.Linear(4 * shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cache: list[Tensor] | None = None) -> Tensor:
        batch, length, width = x.shape
        qkv = self.qkv(self.before_attention(x)).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = (part.transpose(1, 2) for part in qkv.unbind(2))
        if cache:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
        if cache is not None:
            cache[:] = [k, v]
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.gelu(self.up(self.before_mlp(x))))


class TinyLM(nn.Module):
    """A decoder-only transformer with learnt positions and tied embeddings."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token = nn.Embedding(VOCABULARY, shape.width)
        self.position = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(_Block(shape) for _ in range(shape.layers))
        self.last = nn.RMSNorm(shape.width)
        for name, weight in self.named_parameters():
            if weight.dim() > 1:
                deep = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 * (5 if "qkv" in name or "up" in name else 1))
                if deep:
                    nn.init.normal_(weight, std=0.1 / math.sqrt(2 * shape.layers))

    def forward(self, ids: Tensor, start: int = 0, caches: list[list[Tensor]] | None = None) -> Tensor:
        """Hidden states (batch, length, width); `logits` turns them into scores."""
        x = self.token(ids) + self.position.weight[start : start + ids.shape[1]]
        for number, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[number])
        normed: Tensor = self.last(x)
        return normed

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary."""
        return hidden @ self.token.weight.T


def fresh(shape: Shape, seed: int) -> TinyLM:
    """An untrained decoder."""
    torch.manual_seed(seed)
    return TinyLM(shape)


def sequences(prompts: np.ndarray, answers: np.ndarray) -> tuple[Tensor, Tensor]:
    """Ids (n, length) and a mask of the answers' tokens; prompts are padded on the left so that answers align."""
    width = prompts.shape[1]
    lengths = (prompts != PAD).sum(1)
    columns = np.arange(width)[None, :] - (width - lengths)[:, None]
    shifted = np.where(columns >= 0, np.take_along_axis(prompts, np.maximum(columns, 0), 1), PAD)
    ids = np.concatenate([shifted, np.full((len(prompts), 1), SEPARATOR), answers], 1)
    mask = np.concatenate([np.zeros((len(prompts), width + 1), bool), answers != PAD], 1)
    return torch.from_numpy(ids), torch.from_numpy(mask)


@dataclass(frozen=True)
class Training:
    """How long and how hard: passes over the corpus, sequences a step, peak of a warmed-up cosine rate."""

    epochs: float = 1.0
    batch: int = 16
    rate: float = 2e-3
    decay: float = 0.01
    whole: bool = False  # learn the prompts too, as in pre-training


def train(model: TinyLM, prompts: np.ndarray, answers: np.ndarray, how: Training, seed: int) -> TinyLM:
    """Train in place, one loop, and give the model back."""
    ids, mask = sequences(prompts, answers)
    rng = np.random.default_rng(seed)
    count = max(1, round(len(ids) * how.epochs))
    passes = [rng.permutation(len(ids)) for _ in range(math.ceil(how.epochs))]
    order = np.concatenate(passes)[:count]
    steps = math.ceil(count / how.batch)
    optimiser = torch.optim.AdamW(model.parameters(), lr=how.rate, weight_decay=how.decay, betas=(0.9, 0.98))
    model.train()
    for step in range(steps):
        rate = how.rate * min(1.0, (step + 1) / (0.05 * steps + 1)) * (0.55 + 0.45 * math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = rate
        rows = order[step * how.batch : (step + 1) * how.batch]
        batch, learn = ids[rows], mask[rows]
        wanted = (batch[:, 1:] != PAD) if how.whole else learn[:, 1:]
        hidden = model(batch[:, :-1])[wanted]
        loss = F.cross_entropy(model.logits(hidden), batch[:, 1:][wanted])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model.eval()


@torch.no_grad()
def answer_logprob(model: TinyLM, prompts: np.ndarray, answers: np.ndarray, batch: int = 128) -> np.ndarray:
    """Log-probability of each answer given its prompt, token by token: (n, answer width), 0 at padding."""
    ids, mask = sequences(prompts, answers)
    width = answers.shape[1]
    out = np.zeros(answers.shape, dtype=np.float64)
    for low in range(0, len(ids), batch):
        part = ids[low : low + batch]
        hidden = model(part[:, :-1])[:, -width:]
        logits = model.logits(hidden)
        target = part[:, -width:]
        found = logits.gather(2, target[..., None])[..., 0] - logits.logsumexp(2)
        out[low : low + batch] = torch.where(mask[low : low + batch, -width:], found, 0.0).double().numpy()
    return out


@torch.no_grad()
def sample_answers(
    model: TinyLM, prompts: np.ndarray, width: int, seed: int, temperature: float = 1.0, batch: int = 512
) -> np.ndarray:
    """One plain sample for each prompt: (n, width) ids, END then padding."""
    draws = torch.Generator().manual_seed(seed)
    out = np.full((len(prompts), width), PAD, dtype=np.int64)
    for low in range(0, len(prompts), batch):
        part, _ = sequences(prompts[low : low + batch], np.zeros((len(prompts[low : low + batch]), 0), np.int64))
        caches: list[list[Tensor]] = [[] for _ in model.blocks]
        hidden = model(part, 0, caches)[:, -1]
        open_rows = torch.ones(len(part), dtype=torch.bool)
        for position in range(width):
            logits = model.logits(hidden)
            logits[:, [PAD, SEPARATOR]] = -torch.inf
            token = torch.multinomial((logits / temperature).softmax(1), 1, generator=draws)[:, 0]
            token = torch.where(open_rows, token, PAD)
            out[low : low + batch, position] = token.numpy()
            open_rows &= token != END
            if position + 1 == width or not open_rows.any():
                break
            hidden = model(token[:, None], part.shape[1] + position, caches)[:, -1]
    return out
