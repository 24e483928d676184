"""Accounts as rows of numbers that an analyst knows by name: rates, shares, counts, tokens.

All come from the log that detection reads. Nothing that detection worked out itself (links, scores, attributed
exchanges) is among them, nor a country.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from iolaus.schema import REFUSED
from iolaus.signals import DAY, HOUR, Log, activity, distinct_pairs
from iolaus.text import CAPABILITIES

__all__ = ["AccountRows", "describe_accounts"]

_COUNTED: Final = {
    "request_model": "models used",
    "api_key_id": "API keys used",
    "channel": "channels used",
    "ip": "addresses used",
    "user_agent": "programs used",
    "ja4": "TLS fingerprints used",
    "settings": "settings used",
}
_AVERAGED: Final = {
    "input_tokens": "input tokens an exchange",
    "output_tokens": "output tokens an exchange",
    "max_tokens": "limit on output tokens",
}


@dataclass(frozen=True, slots=True)
class AccountRows:
    """What is known of accounts.

    Attributes:
        index: int64 (n,), the accounts that made an exchange, as the log counts them.
        names: of the columns.
        rows: float64 (n, columns); what an account leaves open stands at the median of the others.
        without: names of columns left out, because more than half of the accounts leave them open.
    """

    index: np.ndarray
    names: tuple[str, ...]
    rows: np.ndarray
    without: tuple[str, ...]


def describe_accounts(log: Log) -> AccountRows:
    """Describe every account that made an exchange.

    Args:
        log: of one exchange or more.
    """
    made = activity(log).sent
    index = np.flatnonzero(made)
    names, columns, without = [], [], []
    for name, values in _columns(log, made):
        column = values[index]
        known = np.isfinite(column)
        if 2 * known.sum() < known.size:
            without.append(name)
            continue
        names.append(name)
        columns.append(np.where(known, column, np.median(column[known])))
    return AccountRows(index, tuple(names), np.stack(columns, axis=1), tuple(without))


def _columns(log: Log, made: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Name and values, float64 (A,), NaN where an account leaves it open."""
    every = np.ones(log.exchanges, dtype=bool)
    yield "exchanges", made.astype(float)
    yield "exchanges an active day", _ratio(made, _distinct(log, log.at // DAY))
    yield "hours of the day in use", _distinct(log, log.at // HOUR % 24).astype(float)
    yield "share of distinct prompts", _ratio(_distinct(log, log.item.view(np.int64)), made)
    yield from _templates(log, made)
    yield "share of words that few write", _mean(log, log.fresh, every)
    yield "tokens a prompt", _mean(log, log.tokens, every)
    for place, capability in enumerate(CAPABILITIES):
        asked = (log.flags >> np.uint32(place)) & np.uint32(1)
        yield f"share that asks for {capability.replace('_', ' ')}", _mean(log, asked, every)
    if (conversation := log.codes.get("conversation_id")) is not None:
        known = conversation >= 0
        turns = np.bincount(conversation[known])
        yield "share of single turns", _mean(log, turns[np.where(known, conversation, 0)] == 1, known)
    for column, name in _COUNTED.items():
        if (codes := log.codes.get(column)) is not None:
            used = _distinct(log, codes, codes >= 0).astype(float)
            yield name, np.where(used > 0, used, np.nan)
    for column, name in _AVERAGED.items():
        if (numbers := log.numbers.get(column)) is not None:
            yield name, _mean(log, numbers, numbers >= 0)
    yield from _shares(log)


def _templates(log: Log, made: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """How much of an account's traffic is one template, and how many accounts write it too."""
    share, audience = np.zeros(log.accounts), np.zeros(log.accounts)
    rows = np.flatnonzero(log.family >= 0)
    pairs, counts = np.unique(np.stack([log.account[rows], log.family[rows]], axis=1), axis=0, return_counts=True)
    if len(pairs):
        # The last of an account's pairs is the one with most exchanges, and of equals the lowest family.
        order = np.lexsort((-pairs[:, 1], counts, pairs[:, 0]))
        last = order[np.append(np.diff(pairs[order, 0]) != 0, True)]
        share[pairs[last, 0]] = counts[last]
        audience[pairs[last, 0]] = np.bincount(pairs[:, 1])[pairs[last, 1]]
    yield "share of its main template", _ratio(share, made)
    yield "accounts with its main template", audience


def _shares(log: Log) -> Iterator[tuple[str, np.ndarray]]:
    if (status := log.numbers.get("status_code")) is not None:
        yield "share refused", _mean(log, np.isin(status, REFUSED), status >= 0)
    if (tools := log.numbers.get("tool_count")) is not None:
        yield "share with tools", _mean(log, tools > 0, tools >= 0)
    if (choices := log.numbers.get("choice_count")) is not None:
        yield "share with several choices", _mean(log, choices > 1, choices >= 0)
    given, taken = log.numbers.get("input_tokens"), log.numbers.get("output_tokens")
    if given is not None and taken is not None:
        both = (given >= 0) & (taken >= 0)
        yield "output tokens for one of input", _ratio(_sum(log, taken, both), _sum(log, given, both))


def _distinct(log: Log, values: np.ndarray, kept: np.ndarray | None = None) -> np.ndarray:
    """Distinct values of each account; int64 (A,)."""
    rows = np.flatnonzero(kept) if kept is not None else np.arange(log.exchanges)
    account = log.account[rows]
    return np.bincount(account[distinct_pairs(account, values[rows])], minlength=log.accounts)


def _sum(log: Log, values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return np.bincount(log.account[kept], weights=values[kept].astype(float), minlength=log.accounts)


def _mean(log: Log, values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return _ratio(_sum(log, values, kept), np.bincount(log.account[kept], minlength=log.accounts))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotients, NaN where nothing stands below."""
    quotient: np.ndarray = np.where(below > 0, above / np.maximum(below, 1e-300), np.nan)
    return quotient
