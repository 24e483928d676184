"""Prompt families: one template behind several accounts.

Links: an account is tied to a family that it uses, with the log-odds of that family's rarity. A family binds only when
its users come back to it with new fillings: a prompt that many people send once (viral, a benchmark's item) has as
many users as uses, and one filling.

Test (clusters that were not formed by text): null, the accounts choose families independently of each other, in
proportion to each family's popularity; statistic, for each family the number of the cluster's accounts that use it,
hypergeometric, Bonferroni over the families that the cluster uses. No p-value goes below ``COMMON_SOURCE``, and a
cluster formed by text has just that: shared text shows one source, and a public tool is one as well; who the source
is, other signals say.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from iolaus.signals.base import Finding, Links
from iolaus.signals.log import Cluster, Log, distinct_pairs
from iolaus.stats import hypergeometric_tail

__all__ = ["COMMON_SOURCE", "FamilySignal", "FamilyUse", "family_use"]

COMMON_SOURCE: Final = 0.05
# A family that more than this share of all accounts uses says nothing of any of them.
_POPULAR: Final = 0.2


@dataclass(frozen=True, slots=True)
class FamilyUse:
    """How families are used: one entry a (family, account) pair, sorted by family, then account.

    Attributes:
        family: int32 (e,).
        account: int32 (e,).
        uses: int64 (e,), exchanges of the account in the family.
        accounts: int64 (f,), distinct accounts of each family.
        exchanges: int64 (f,), exchanges of each family.
        items: int64 (f,), distinct prompts of each family.
    """

    family: np.ndarray
    account: np.ndarray
    uses: np.ndarray
    accounts: np.ndarray
    exchanges: np.ndarray
    items: np.ndarray


@lru_cache(maxsize=4)
def family_use(log: Log) -> FamilyUse:
    """Count how families are used."""
    rows = np.flatnonzero(log.family >= 0)
    family, account = log.family[rows].astype(np.int64), log.account[rows].astype(np.int64)
    count = int(family.max()) + 1 if rows.size else 0
    pairs, uses = np.unique(family * log.accounts + account, return_counts=True)
    pair_family = (pairs // max(log.accounts, 1)).astype(np.int32)
    fillings = family[distinct_pairs(log.item[rows], family)]
    return FamilyUse(
        family=pair_family,
        account=(pairs % max(log.accounts, 1)).astype(np.int32),
        uses=uses,
        accounts=np.bincount(pair_family, minlength=count),
        exchanges=np.bincount(family, minlength=count),
        items=np.bincount(fillings, minlength=count),
    )


class FamilySignal:
    """One template behind several accounts."""

    name: Final = "families"
    columns: Final = ()
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """Accounts tied to the families that they come back to; weight log(A / users), more with more uses."""
        use = family_use(log)
        if use.family.size == 0:
            return Links(use.account, use.family.astype(np.int64), np.zeros(0))
        binds = (
            (use.accounts >= 3)
            & (use.accounts <= max(_POPULAR * log.accounts, 10))
            & (use.exchanges >= 2 * use.accounts)
            & (use.items >= 0.3 * use.exchanges)
        )
        edge = binds[use.family]
        rarity = np.log(log.accounts / use.accounts[use.family][edge])
        weight = np.maximum(rarity, 0.1) * np.minimum(np.log1p(use.uses[edge]), 4.0)
        return Links(use.account[edge], use.family[edge].astype(np.int64), weight)

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """What the cluster's accounts share in text."""
        if cluster.of_text:
            return self._own(log, cluster)
        use = family_use(log)
        inside = np.zeros(log.accounts, dtype=bool)
        inside[cluster.accounts] = True
        member = inside[use.account]
        if not member.any():
            return None
        hits = np.bincount(use.family[member], minlength=use.accounts.size)
        shared = np.flatnonzero(hits >= 2)
        if shared.size == 0:
            return Finding(self.name, 1.0, "The accounts share no prompt template.")
        # Many families are used by as many accounts.
        alike, first = np.unique(np.stack([hits[shared], use.accounts[shared]]), axis=1, return_index=True)
        tail = hypergeometric_tail(alike[0], log.accounts, alike[1], cluster.accounts.size)
        best = int(np.argmin(tail))
        p = max(min(1.0, float(tail[best]) * int((hits > 0).sum())), COMMON_SOURCE)
        family = shared[first[best]]
        rows = cluster.core[log.family[cluster.core] == family]
        return Finding(
            self.name,
            p,
            f"{hits[family]} of {cluster.accounts.size} accounts use one prompt template that only "
            f"{use.accounts[family]} of all {log.accounts} accounts use.",
            exchanges=rows[:8],
            accounts=np.unique(log.account[rows])[:8],
            values={"families_shared": float(shared.size)},
        )

    def _own(self, log: Log, cluster: Cluster) -> Finding:
        fillings = np.unique(log.item[cluster.core]).size
        m = cluster.accounts.size
        if not cluster.families.size:
            return Finding(
                self.name,
                COMMON_SOURCE,
                f"{m} accounts sent {cluster.core.size} prompts put together from {cluster.phrases.size} shared rare "
                f"phrases, with {fillings} different fillings.",
                exchanges=cluster.core[:: max(cluster.core.size // 8, 1)][:8],
                accounts=cluster.accounts[:8],
            )
        users = np.unique(log.account[np.isin(log.family, cluster.families)]).size
        return Finding(
            self.name,
            COMMON_SOURCE,
            f"{m} accounts sent {cluster.core.size} prompts made from {cluster.families.size} shared "
            f"template{'s' if cluster.families.size != 1 else ''}, with {fillings} different fillings; "
            f"{max(users - m, 0)} other accounts use them.",
            exchanges=cluster.core[:: max(cluster.core.size // 8, 1)][:8],
            accounts=cluster.accounts[:8],
            values={"templates": float(cluster.families.size), "outsiders": float(users - m)},
        )
