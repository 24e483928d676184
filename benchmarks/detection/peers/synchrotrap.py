"""A graph like SynchroTrap's: accounts that do the same within the same hour, again and again.

Cao, Yang, Yu and Palow, "Uncovering large groups of active malicious accounts in online social networks", CCS 2014:
an action is an object at a time, two accounts are as similar as the Jaccard index of their actions, and clusters are
the components above a threshold. The objects here are template keys and request addresses, matched within an hour.
"""

from typing import Final

import numpy as np
import pyarrow as pa
from scipy import sparse

from benchmarks.detection.answers import Group
from benchmarks.detection.linkage import components, shared_table
from benchmarks.detection.wordings import account_numbers, digest, template_keys

__all__ = ["suspects"]

_HOUR: Final = 3_600_000_000
_HUB: Final = 300
# Similarity of accounts that did next to nothing is chance.
_ACTIONS: Final = 3


def suspects(exchanges: pa.Table, accounts: pa.Table) -> list[Group]:
    """Components of accounts whose hourly actions overlap, at falling thresholds on the Jaccard index."""
    account, names = account_numbers(exchanges)
    hour = exchanges.column("timestamp").cast(pa.int64()).to_numpy() // _HOUR
    seen = {a: digest(f"ip {a}") for a in set(exchanges.column("ip").to_pylist()) if a}
    address = np.array([seen.get(a, 0) for a in exchanges.column("ip").to_pylist()], np.int64)
    objects = np.column_stack([template_keys(exchanges), address])
    # An action is the object's hash moved by the hour's; zero stays "none".
    moved = objects + hour[:, None] * np.int64(0x9E3779B97F4A7C1)
    actions = np.where(objects == 0, 0, moved)
    who = np.repeat(account, objects.shape[1])
    table = shared_table(who, actions.ravel(), len(names), _HUB)
    pairs = np.unique(np.stack([who, actions.ravel()])[:, actions.ravel() != 0], axis=1)
    count = np.bincount(pairs[0], minlength=len(names))
    both = sparse.triu(table @ table.T, k=1).tocoo()
    busy = (count[both.row] >= _ACTIONS) & (count[both.col] >= _ACTIONS)
    left, right, common = both.row[busy], both.col[busy], both.data[busy]
    return components(names, left, right, common / (count[left] + count[right] - common))
