"""Exact template hash: accounts that send the same prompt once numbers, quotations and code are masked.

The first and the last ten words and the system instructions are hashed too, since a template around a long filling has
no equal whole. A pair's weight is the summed rarity of the templates that both send.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from benchmarks.detection.answers import Group
from benchmarks.detection.linkage import components, shared_pairs, shared_table
from benchmarks.detection.wordings import account_numbers, template_keys

__all__ = ["suspects"]

_HUB: Final = 300


def suspects(exchanges: pa.Table, accounts: pa.Table) -> list[Group]:
    """Components of accounts that share templates, at falling thresholds on the pairs' weight."""
    account, names = account_numbers(exchanges)
    keys = template_keys(exchanges)
    table = shared_table(np.repeat(account, keys.shape[1]), keys.ravel(), len(names), _HUB)
    return components(names, *shared_pairs(table))
