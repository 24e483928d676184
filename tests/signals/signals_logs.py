"""Small logs for signals, built column by column, and one log that fills every column."""

import numpy as np
import pyarrow as pa

from iolaus.signals import DAY, HOUR, UNKNOWN_TIME, Cluster, Log
from iolaus.text import BINS, sketch_prompts

# 2 March 2026, a Monday.
START = 1_772_409_600_000_000
LEVELS = (0.01, 0.05, 0.2)


def make_log(account, at, *, accounts=None, codes=None, numbers=None, account_codes=None, **columns):
    """A log sorted by time; what is not given is as empty as a log can have it.

    ``columns`` are the log's other arrays: item, family, tokens, fresh, shingles, flags, created, closed, vectors.
    Items are all different unless given; vectors, where given, are one a row.
    """
    account, at = np.asarray(account, np.int32), np.asarray(at, np.int64)
    order = np.argsort(at, kind="stable")
    n = account.size
    accounts = int(account.max(initial=-1)) + 1 if accounts is None else accounts

    def rows(name, kind, absent):
        return np.asarray(columns.pop(name, absent)).astype(kind)[order]

    vectors = columns.pop("vectors", None)
    log = Log(
        account=account[order],
        at=at[order],
        item=rows("item", np.uint64, np.arange(1, n + 1)),
        family=rows("family", np.int32, np.full(n, -1)),
        tokens=rows("tokens", np.int32, np.full(n, 20)),
        fresh=rows("fresh", np.float32, np.zeros(n)),
        shingles=rows("shingles", np.uint32, np.zeros((n, BINS))),
        flags=rows("flags", np.uint32, np.zeros(n)),
        codes={name: np.asarray(values, np.int32)[order] for name, values in (codes or {}).items()},
        numbers={name: np.asarray(values, np.int64)[order] for name, values in (numbers or {}).items()},
        account_codes={name: np.asarray(values, np.int32) for name, values in (account_codes or {}).items()},
        created=np.asarray(columns.pop("created", np.full(accounts, UNKNOWN_TIME)), np.int64),
        closed=np.asarray(columns.pop("closed", np.full(accounts, UNKNOWN_TIME)), np.int64),
        vector_rows=np.zeros(0, np.int64) if vectors is None else np.arange(n),
        vectors=np.zeros((0, 1), np.float32) if vectors is None else np.asarray(vectors, np.float32)[order],
    )
    assert not columns, columns
    return log


def cluster_of(log, members, *, families=(), phrases=(), formed_by="infrastructure", cohesion=0.0, own=None):
    """A cluster of accounts; its core is all that they sent, or those rows of it that ``own`` (bool, N) names."""
    members = np.unique(np.asarray(members, np.int32))
    core = np.isin(log.account, members) & (True if own is None else own)
    return Cluster(
        members,
        np.flatnonzero(core),
        np.asarray(families, np.int32),
        formed_by,
        np.unique(np.asarray(phrases, np.uint64)),
        cohesion,
    )


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def full_log(seed=0, *, accounts=120, a_day=1, days=14, members=8):
    """A log in which every column is filled, and the prompts behind it; the first accounts use one template."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(accounts), a_day * days)
    n = account.size
    at = START + np.sort(rng.integers(0, days * DAY, (accounts, a_day * days)), axis=1).ravel()
    inside = account < members
    item = np.where(inside, np.arange(n) // 3 + 1, rng.integers(1, n, n))
    filling = [" ".join(map(str, rng.choice(5_000, 6))).translate(LETTERS) for _ in range(n)]
    frame = "please grade the following answer {} and tell me what is wrong with it in one line"
    prompts = [frame.format(words) if mine else words for words, mine in zip(filling, inside, strict=True)]
    released = at > START + 7 * DAY
    log = make_log(
        account,
        at,
        item=item,
        family=np.where(inside, 0, np.where(rng.random(n) < 0.2, rng.integers(1, 6, n), -1)),
        tokens=rng.integers(5, 60, n),
        fresh=rng.random(n),
        shingles=sketch_prompts(pa.array(prompts), pa.nulls(n, pa.string())).bins,
        flags=inside.astype(np.uint32),
        vectors=unit(rng.normal(size=(n, 8))),
        created=START - rng.integers(1, 90, accounts) * DAY,
        closed=np.where(rng.random(accounts) < 0.1, START + days * DAY, UNKNOWN_TIME),
        codes={
            "api_key_id": account,
            "channel": rng.integers(0, 3, n),
            "conversation_id": np.where(rng.random(n) < 0.9, np.arange(n) // 2, -1),
            "history_digest": np.where(rng.random(n) < 0.2, rng.integers(0, 200, n), -1),
            "ip": np.where(inside, 0, 1 + account),
            "ja4": rng.integers(0, 6, n),
            "request_model": (released & (inside | (rng.random(n) < 0.4))).astype(int),
            "settings": rng.integers(-1, 4, n),
            "user_agent": rng.integers(0, 9, n),
        },
        numbers={
            "turn": rng.choice([-1, 1, 1, 1, 2, 3], n),
            "input_tokens": rng.integers(1, 900, n),
            "output_tokens": rng.integers(-1, 900, n),
            "status_code": rng.choice([200, 429], n),
        },
        account_codes={
            "org_id": np.where(np.arange(accounts) < 20, -1, np.arange(accounts) // 4),
            "payment_fingerprint": np.where(np.arange(accounts) < members, 0, np.arange(accounts)),
            "referrer": rng.integers(-1, 3, accounts),
            "signup_ip": rng.integers(0, 40, accounts),
            "email_domain": rng.integers(0, 4, accounts),
        },
    )
    return log, prompts


# Numbers are masked when texts are sketched, so fillings are spelt in letters.
LETTERS = str.maketrans("0123456789", "abcdefghij")


def share_below(p_values, level):
    return float((np.asarray(p_values) <= level).mean())


def assert_super_uniform(p_values, levels=LEVELS):
    """p-values lie below a level at most as often as the level says, up to three standard errors."""
    n = len(p_values)
    assert n >= 200
    for level in levels:
        share, most = share_below(p_values, level), level + 3 * np.sqrt(level * (1 - level) / n)
        assert share <= most, f"{share:.3f} of {n} p-values lie at or below {level}, where {most:.3f} may"


def bursty_times(rng, count, days, *, sigma=1.5):
    """Instants of one independent account: log-normal gaps over so many days, the phase at random."""
    gaps = np.cumsum(rng.lognormal(0.0, sigma, count + 1))
    return START + ((gaps[1:] / gaps[-1] + rng.random()) % 1.0 * days * DAY).astype(np.int64)


def hours(rng, count, low=8, high=20):
    """Times of day, in microseconds."""
    return (rng.uniform(low, high, count) * HOUR).astype(np.int64)
