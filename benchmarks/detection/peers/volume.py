"""A threshold on volume: how much an account sends on its busiest day."""

from collections import Counter

import numpy as np
import pyarrow as pa

from benchmarks.detection.answers import Group
from benchmarks.detection.wordings import account_numbers

__all__ = ["suspects"]

_DAY = 86_400_000_000


def suspects(exchanges: pa.Table, accounts: pa.Table) -> list[Group]:
    """Every account by the exchanges of its busiest day, as a rate limit would see it."""
    account, names = account_numbers(exchanges)
    day = exchanges.column("timestamp").cast(pa.int64()).to_numpy() // _DAY
    busiest: Counter[int] = Counter()
    for (number, _), n in Counter(zip(account.tolist(), day.tolist(), strict=True)).items():
        busiest[number] = max(busiest[number], n)
    return [Group((names[i],), float(busiest[i])) for i in np.unique(account).tolist()]
