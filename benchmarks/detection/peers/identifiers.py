"""Connected components over shared identifiers: payment, sign-up address, request addresses, mail domain.

What fraud teams do first. A pair's weight is the summed rarity of the identifiers that both have, and what more than
fifty accounts share (a carrier's addresses, a free mail service) ties nobody.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from benchmarks.detection.answers import Group
from benchmarks.detection.linkage import components, shared_pairs, shared_table
from benchmarks.detection.wordings import account_numbers, digest

__all__ = ["suspects"]

_HUB: Final = 50
_OF_ACCOUNT: Final = ("payment_fingerprint", "signup_ip", "email_domain")
_OF_EXCHANGE: Final = ("ip", "api_key_id")


def suspects(exchanges: pa.Table, accounts: pa.Table) -> list[Group]:
    """Components of accounts that share identifiers, at falling thresholds on the pairs' weight."""
    account, names = account_numbers(exchanges)
    place = {name: i for i, name in enumerate(names)}
    held: set[tuple[int, int]] = set()
    for column in _OF_EXCHANGE:
        values = exchanges.column(column).to_pylist()
        held |= {(a, digest(f"{column} {v}")) for a, v in set(zip(account.tolist(), values, strict=True)) if v}
    ids = accounts.column("account_id").to_pylist()
    for column in _OF_ACCOUNT:
        values = accounts.column(column).to_pylist()
        held |= {(place[a], digest(f"{column} {v}")) for a, v in zip(ids, values, strict=True) if v and a in place}
    rows = np.array(sorted(held), np.int64).reshape(-1, 2)
    return components(names, *shared_pairs(shared_table(rows[:, 0], rows[:, 1], len(names), _HUB)))
