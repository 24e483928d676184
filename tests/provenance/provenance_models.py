"""A small language model that is real enough to be on trial: it reads text in order, and it may remember answers."""

import random
from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np

from iolaus.lm import Access, Generation, Sampling, Scored, TopTokens

WORDS = ("amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty", "knoll", "ledge")


class BigramModel:
    """Words follow one another by a random table; remembered answers are likelier by some nats a word.

    Args:
        name: its name.
        seed: decides the table.
        remembered: answers that it learnt.
        nats: how much likelier each of their words became.
        access: what it lets see.
        noise: standard deviation of what it adds to a score at each call.
    """

    def __init__(
        self,
        name: str,
        seed: int,
        remembered: Collection[str] = (),
        *,
        nats: float = 0.1,
        access: Access = Access.TEXT | Access.ECHO,
        noise: float = 0.0,
    ) -> None:
        self.name, self.access = name, access
        table = np.random.default_rng(7).dirichlet(np.full(len(WORDS), 0.7), size=len(WORDS))
        own = np.random.default_rng(seed).dirichlet(np.full(len(WORDS), 0.7), size=len(WORDS))
        self._table = 0.8 * table + 0.2 * own
        self._remembered, self._nats, self._noise = set(remembered), nats, noise
        self._chance = random.Random(seed)
        self._memory = list(remembered)

    def sample(self, prompt: str) -> str:
        if self._memory and self._chance.random() < self._nats:
            return self._chance.choice(self._memory)
        words = [self._chance.randrange(len(WORDS))]
        while len(words) < 12:
            words.append(self._chance.choices(range(len(WORDS)), self._table[words[-1]])[0])
        return " ".join(WORDS[word] for word in words)

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[Generation]:
        return [Generation(self.sample(p), False, top=(self.next_token(p, "", sampling.top),)) for p in prompts]

    def resume(self, begun: Sequence[tuple[str, str]], sampling: Sampling) -> list[Generation]:
        found = []
        for _, start in begun:
            known = [text[len(start) :] for text in self._memory if text.startswith(start)]
            found.append(Generation(known[0] if known else self.sample(""), False))
        return found

    def logprobs(self, prompt: str, answer: str) -> np.ndarray:
        return self.score([(prompt, answer)])[0].logprobs

    def score(self, pairs: Sequence[tuple[str, str]], *, top: int = 0) -> list[Scored]:
        return [Scored(tuple(answer.split()), self._logprobs(answer)) for _, answer in pairs]

    def next_token(self, prompt: str, begun: str, top: int) -> TopTokens:
        said = begun.split()
        row = self._table[WORDS.index(said[-1])] if said else np.full(len(WORDS), 1 / len(WORDS))
        row = row.copy()
        for text in self._remembered:
            rest = text[len(begun) :].split()
            if text.startswith(begun) and rest:
                row[WORDS.index(rest[0])] *= np.exp(5 * self._nats)
        row /= row.sum()
        space = " " if said else ""
        told = [(space + word, float(np.log(p))) for word, p in zip(WORDS, row, strict=True)]
        return tuple(sorted(told, key=lambda t: -t[1]))[:top]

    def uncached(self) -> "BigramModel":
        return self

    def _logprobs(self, answer: str) -> np.ndarray:
        words = [WORDS.index(word) for word in answer.split()]
        found = [-np.log(len(WORDS))] + [np.log(self._table[a, b]) for a, b in pairwise(words)]
        learnt = self._nats if answer in self._remembered else 0.0
        return np.array(found) + learnt + np.random.default_rng().normal(0, self._noise, len(found)) * (self._noise > 0)
