"""Weights, marks and small students that the tests of radioactivity share."""

import dataclasses

import numpy as np

from iolaus.provenance.radioactivity import GreenList, Gumbel, SynthId, Windows

VOCABULARY = 60
MARKS = {
    "green": GreenList(key=1234567, vocabulary=VOCABULARY, ratio=0.25),
    "half green": GreenList(key=1234567, vocabulary=VOCABULARY, ratio=0.5),
    "mostly green": GreenList(key=1234567, vocabulary=VOCABULARY, ratio=0.8),
    "synthid": SynthId(keys=(7121, 33, 90210), ngram=3),
    "synthid small table": SynthId(keys=(7121, 33, 90210), ngram=3, table_size=256),
    "gumbel": Gumbel(key=99, vocabulary=VOCABULARY, context_width=2),
}


def some_windows(mark, count=400, seed=0):
    """Windows with weights that know nothing of a key; contexts repeat, as they do in text."""
    chance = np.random.default_rng(seed)
    contexts = chance.integers(1, 12, (count, mark.width))
    tokens = chance.integers(0, VOCABULARY, count)
    weights = chance.standard_normal(count) * chance.choice([0.01, 0.1, 0.5], count)
    return Windows(contexts.astype(np.int64), tokens.astype(np.int64), weights)


def rekeyed(mark, seed):
    """The same mark under another random key."""
    return mark.decoy(np.random.default_rng(seed))


def bigram_counts(texts, vocabulary=VOCABULARY):
    """(vocabulary, vocabulary) smoothed probabilities of a bigram student trained on token sequences."""
    counts = np.full((vocabulary, vocabulary), 0.05)
    for text in texts:
        np.add.at(counts, (text[:-1], text[1:]), 1.0)
    return counts / counts.sum(1, keepdims=True)


def teacher_table(seed=0, vocabulary=VOCABULARY):
    """A bigram teacher."""
    logits = np.random.default_rng(seed).standard_normal((vocabulary, vocabulary)) * 1.5
    table = np.exp(logits)
    return table / table.sum(1, keepdims=True)


def green_texts(table, mark, bias, count, length, seed):
    """What a bigram teacher writes with a green list's bias; ``mark`` None writes plainly."""
    chance, biased = np.random.default_rng(seed), table
    if mark is not None:
        size = len(table)
        grid = Windows(
            np.repeat(np.arange(size), size)[:, None].astype(np.int64),
            np.tile(np.arange(size), size).astype(np.int64),
            np.ones(size * size),
        )
        biased = table * np.exp(bias * mark.values(grid).reshape(size, size))
        biased /= biased.sum(1, keepdims=True)
    steps = biased.cumsum(1)
    texts = np.empty((count, length), dtype=np.int64)
    texts[:, 0] = chance.integers(1, len(table), count)
    for at in range(1, length):
        texts[:, at] = (chance.random(count)[:, None] > steps[texts[:, at - 1]]).sum(1).clip(max=len(table) - 1)
    return texts


def surplus_windows(student, reference):
    """Windows of a bigram student against a bigram reference."""
    size = len(student)
    return Windows(
        np.repeat(np.arange(size), size)[:, None].astype(np.int64),
        np.tile(np.arange(size), size).astype(np.int64),
        (student - reference).ravel(),
    )


def without_key(mark):
    """All fields of a mark but its key."""
    return {name: value for name, value in dataclasses.asdict(mark).items() if name not in ("key", "keys")}
