"""The last touches of a plan: failed requests and their repetition, refusals, and the order of rows."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from iolaus.simulate.grammar import Ints
from iolaus.simulate.render import Columns
from iolaus.simulate.rhythm import DAY
from iolaus.simulate.traffic import COLUMNS, Traffic

__all__ = ["FAILING", "finish"]

# About one request in eighty fails and is sent again, as in any real log.
FAILING: Final = 0.0125
# What a request that is sent again has in common with the first.
_REPEATED: Final = ("domain", "code", "wrap", "wording", "system", "model", "tools", "passages", "salt")


def finish(traffic: Traffic, exchanges: int) -> Columns:
    """Add the requests that failed or were refused, and put all in time order.

    Args:
        traffic: the plan; its rows are moved out of it column by column, its accounts without a request are taken
            out, and the others numbered anew.
        exchanges: rows the log shall have.

    Returns:
        The plan's columns, shape (exchanges,) each.
    """
    rng = traffic.rng
    _closings(traffic)
    source = np.arange(traffic.rows, dtype=np.int32)
    excess = max(0, len(source) - exchanges)
    if excess:
        # A small log may have more refusals than room.
        source = np.delete(source, rng.choice(np.flatnonzero(traffic.column("status") == 403), excess, replace=False))
    kept = len(source)
    failed = _failed(traffic, source, exchanges - kept)
    source = np.concatenate([source, source[failed]])
    instant = traffic.column("instant")[source]
    instant[kept:] = np.maximum(instant[kept:] - (np.exp(rng.normal(1.6, 1.0, len(failed))) * 1e6).astype(np.int64), 0)
    status = traffic.column("status")[source]
    status[kept:] = rng.choice(np.array([429, 500, 503, 400], dtype=np.int16), len(failed), p=[0.6, 0.2, 0.12, 0.08])
    instant = np.clip(instant, 0, traffic.days * DAY - 1)
    # Chance decides ties, so that order within an instant tells nothing.
    order = np.lexsort((traffic.column("salt")[source], status == 200, instant))
    rows: Columns = {"instant": instant[order], "status": status[order]}
    repeats, source = np.greater_equal(order, kept), source[order]
    del instant, status, order
    for name in COLUMNS:
        values = traffic.hand_over(name)
        if name not in rows:
            rows[name] = values[source]
    rows["harvested"][repeats] = False
    active, account = np.unique(rows["account"], return_inverse=True)
    rows["account"] = account.astype(np.int32)
    traffic.accounts = [traffic.accounts[i] for i in active.tolist()]
    return rows


def _failed(traffic: Traffic, source: NDArray[np.int32], short: int) -> Ints:
    """Places, in ``source``, of the requests that are sent once more because they failed at first; sorted."""
    failing = np.array([a.failing for a in traffic.accounts])
    weight = failing[traffic.column("account")[source]]
    weight[(traffic.column("turn")[source] != 1) | (traffic.column("status")[source] != 200)] = 0.0
    short = max(0, min(short, int((weight > 0).sum())))
    return np.sort(traffic.rng.choice(len(weight), short, replace=False, p=weight / weight.sum()))


def _closings(traffic: Traffic) -> None:
    """Refused requests of accounts that were closed: their last words come back 403."""
    rng, owner, at = traffic.rng, traffic.column("account"), traffic.column("instant")
    ordered = np.argsort(owner, kind="stable")
    edges = np.searchsorted(owner[ordered], np.arange(len(traffic.accounts) + 1))
    picks, instants, numbers = [], [], []
    for number, account in enumerate(traffic.accounts):
        mine = ordered[edges[number] : edges[number + 1]]
        if account.closed is None or account.refusals == 0 or len(mine) == 0:
            continue
        begin = int(at[mine].max())
        # A closed account is silent afterwards, whatever was planned.
        account.closed = max(account.closed, (begin + 60_000_000) / DAY)
        end = int(account.closed * DAY)
        picks.append(rng.choice(mine, min(account.refusals, len(mine)), replace=False))
        instants.append(np.sort(rng.integers(max(begin, end - DAY // 4), end, len(picks[-1]))))
        numbers.append(np.full(len(picks[-1]), number))
    if picks:
        picked = np.concatenate(picks)
        again = {name: traffic.column(name)[picked] for name in _REPEATED}
        traffic.add(instant=np.concatenate(instants), account=np.concatenate(numbers), **again, status=403)
