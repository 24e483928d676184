"""The benign population: ordinary customers, and the kinds that look coordinated but are not."""

from collections.abc import Callable
from typing import Final

import numpy as np

from iolaus.simulate.negatives import NEGATIVES
from iolaus.simulate.people import Account, PersonaMaker
from iolaus.simulate.traffic import Traffic

__all__ = ["populate"]

# Ordinary kinds: the persona and the share of benign exchanges, beside the hard negatives' shares.
_ORDINARY: Final = {
    "developer": ("developer", 0.3),
    "chat_user": ("app_user", 0.17),
    "startup": ("startup", 0.09),
}
# Accounts' blocks of rows are joined when there are as many.
_BLOCKS: Final = 4096


def populate(
    traffic: Traffic,
    maker: PersonaMaker,
    rows: int,
    *,
    hard_negatives: bool,
    progress: Callable[[int], None],
) -> None:
    """Add benign accounts until exactly ``rows`` exchanges more are planned.

    Args:
        traffic: the plan to add to.
        maker: makes accounts.
        rows: benign exchanges to add.
        hard_negatives: whether the kinds that look coordinated take their share.
        progress: told how many rows are planned.
    """
    goal = traffic.rows + rows
    if hard_negatives:
        for kind, (share, build) in NEGATIVES.items():
            build(traffic, maker, kind, max(0, min(round(rows * share), goal - traffic.rows)))
            traffic.settle()
            progress(traffic.rows)
    left = goal - traffic.rows
    shares = np.array([share for _, share in _ORDINARY.values()])
    budgets = np.floor(left * shares / shares.sum()).astype(int)
    for (kind, (persona, _)), budget in zip(_ORDINARY.items(), budgets.tolist(), strict=True):
        _fill(traffic, maker, kind, persona, budget)
        progress(traffic.rows)
    _fill(traffic, maker, "developer", "developer", goal - traffic.rows)


def _fill(traffic: Traffic, maker: PersonaMaker, kind: str, persona: str, rows: int) -> None:
    end = traffic.rows + rows
    while traffic.rows < end:
        account: Account = maker.make(persona, kind)
        # One heavy customer may not be the whole of a small log.
        n = min(traffic.count(account), max(40, rows // 8), end - traffic.rows)
        traffic.ordinary(traffic.enrol(account), n)
        if len(traffic.blocks) >= _BLOCKS:
            traffic.settle()
