"""Clusters read again by their idiom, until prompts and accounts agree.

Shared shingles find a paraphrased template where its wordings happen to recur; most of what the accounts send goes
unseen. So each cluster is read again, in turns: which prompts are in its idiom (``signals.idiom``), above all but a
two-hundredth of what outsiders send; then which accounts send enough such prompts.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from iolaus.signals import Cluster, Idiom, Log, in_idiom

__all__ = ["read_again"]

# A member sends half as large a share of such prompts as the median member, and so many.
_COVERS: Final = 0.5
_COVERS_LEAST: Final = 0.08
_HOLDS: Final = 3
_ROUNDS: Final = 6


def read_again(log: Log, idiom: Idiom, cluster: Cluster) -> Cluster | None:
    """The cluster as its idiom has it: accounts, and their prompts; None where it has no idiom of its own.

    Args:
        log: the log.
        idiom: its words.
        cluster: a cluster of accounts with prompts of their own.
    """
    members = np.zeros(log.accounts, dtype=bool)
    members[cluster.accounts] = True
    core = idiom.of(cluster.core)
    for _ in range(_ROUNDS):
        found = in_idiom(idiom, members, core)
        if found is None:
            return None
        core = found
        held = np.bincount(idiom.owner, weights=core, minlength=log.accounts)
        share = held / np.maximum(idiom.size, 1)
        now = (share >= max(_COVERS * float(np.median(share[members])), _COVERS_LEAST)) & (held >= _HOLDS)
        if now.sum() < 3:
            return None
        if np.array_equal(now, members):
            break
        members = now
    own = idiom.rows[core & members[idiom.owner]]
    return replace(
        cluster,
        accounts=np.flatnonzero(members).astype(np.int32),
        core=np.union1d(own, cluster.core[members[log.account[cluster.core]]]),
    )
