"""The last touches of a plan: failed requests and their repetition, refusals, and the order of rows."""

from typing import Final

import numpy as np

from iolaus.simulate.render import Columns
from iolaus.simulate.rhythm import DAY
from iolaus.simulate.traffic import Traffic

__all__ = ["FAILING", "finish"]

# About one request in eighty fails and is sent again, as in any real log.
FAILING: Final = 0.0125
# What a request that is sent again has in common with the first.
_REPEATED: Final = ("domain", "code", "wrap", "wording", "system", "model", "tools", "passages", "salt")


def finish(traffic: Traffic, exchanges: int) -> Columns:
    """Add the requests that failed or were refused, and put all in time order.

    Args:
        traffic: the plan; its accounts without a request are taken out, and the others numbered anew.
        exchanges: rows the log shall have.

    Returns:
        The plan's columns, shape (exchanges,) each.
    """
    rng = traffic.rng
    _closings(traffic)
    rows = traffic.columns()
    excess = max(0, len(rows["instant"]) - exchanges)
    if excess:
        # A small log may have more refusals than room.
        drop = rng.choice(np.flatnonzero(rows["status"] == 403), excess, replace=False)
        rows = {name: np.delete(values, drop) for name, values in rows.items()}
    short = exchanges - len(rows["instant"])
    weight = np.array([a.failing for a in traffic.accounts])[rows["account"]]
    weight = np.where((rows["turn"] == 1) & (rows["status"] == 200), weight, 0.0)
    short = max(0, min(short, int((weight > 0).sum())))
    failed = np.sort(rng.choice(len(weight), short, replace=False, p=weight / weight.sum()))
    copy = {name: values[failed].copy() for name, values in rows.items()}
    copy["instant"] = np.maximum(copy["instant"] - (np.exp(rng.normal(1.6, 1.0, short)) * 1e6).astype(np.int64), 0)
    copy["status"] = rng.choice(np.array([429, 500, 503, 400], dtype=np.int16), short, p=[0.6, 0.2, 0.12, 0.08])
    copy["harvested"] = np.zeros(short, dtype=np.bool_)
    rows = {name: np.concatenate([values, copy[name]]) for name, values in rows.items()}
    rows["instant"] = np.clip(rows["instant"], 0, traffic.days * DAY - 1)
    # Chance decides ties, so that order within an instant tells nothing.
    order = np.lexsort((rows["salt"], rows["status"] == 200, rows["instant"]))
    rows = {name: values[order] for name, values in rows.items()}
    active, rows["account"] = np.unique(rows["account"], return_inverse=True)
    traffic.accounts = [traffic.accounts[i] for i in active.tolist()]
    return rows


def _closings(traffic: Traffic) -> None:
    """Refused requests of accounts that were closed: their last words come back 403."""
    rng, rows = traffic.rng, traffic.columns()
    ordered = np.argsort(rows["account"], kind="stable")
    edges = np.searchsorted(rows["account"][ordered], np.arange(len(traffic.accounts) + 1))
    for number, account in enumerate(traffic.accounts):
        mine = ordered[edges[number] : edges[number + 1]]
        if account.closed is None or account.refusals == 0 or len(mine) == 0:
            continue
        # A closed account is silent afterwards, whatever was planned.
        account.closed = max(account.closed, (int(rows["instant"][mine].max()) + 60_000_000) / DAY)
        picked = rng.choice(mine, min(account.refusals, len(mine)), replace=False)
        end = int(account.closed * DAY)
        begin = int(rows["instant"][mine].max())
        traffic.add(
            instant=np.sort(rng.integers(max(begin, end - DAY // 4), end, len(picked))), account=number,
            **{c: rows[c][picked] for c in _REPEATED},
            status=403,
        )  # fmt: skip
