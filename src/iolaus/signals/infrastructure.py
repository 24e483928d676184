"""Shared infrastructure: payment, addresses, agents and settings that accounts have in common.

Links: an account is tied to each identifier that it shares, with log(A / holders); an identifier with more than
``HUB`` holders (a carrier's NAT, a popular client) ties nobody. Null of the test: the cluster's accounts hold each
identifier as a random draw of as many accounts would (hypergeometric), Bonferroni over the identifiers that the
cluster holds. All of it can be spoofed or shared innocently, so this evidence is capped and never convicts alone.
"""

from functools import lru_cache
from typing import Final

import numpy as np

from iolaus.signals.base import Finding, Links
from iolaus.signals.log import Cluster, Log
from iolaus.stats import P_FLOOR, hypergeometric_tail

__all__ = ["InfrastructureSignal"]

HUB: Final = 200
_ACCOUNT_COLUMNS: Final = {
    "payment_fingerprint": "payment instrument",
    "signup_ip": "sign-up address",
}
_EXCHANGE_COLUMNS: Final = {
    "ip": "request address",
    "ja4": "TLS fingerprint",
    "user_agent": "client",
    "settings": "combination of request settings",
}
_LINKING: Final = ("payment_fingerprint", "signup_ip", "ip")


@lru_cache(maxsize=32)
def _holdings(log: Log, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Distinct (account, value) pairs of a column; both int64 (e,)."""
    if column in log.account_codes:
        values = log.account_codes[column]
        holder = np.flatnonzero(values >= 0)
        return holder.astype(np.int64), values[holder].astype(np.int64)
    values = log.codes[column]
    rows = np.flatnonzero(values >= 0)
    span = int(values.max()) + 1
    pairs = np.unique(log.account[rows].astype(np.int64) * span + values[rows])
    return pairs // span, pairs % span


@lru_cache(maxsize=32)
def _holders(log: Log, column: str) -> np.ndarray:
    """How many accounts hold each value of a column, int64."""
    return np.bincount(_holdings(log, column)[1])


class InfrastructureSignal:
    """Identifiers that a cluster's accounts have in common."""

    name: Final = "infrastructure"
    columns: Final = tuple(_ACCOUNT_COLUMNS) + tuple(_EXCHANGE_COLUMNS)
    metadata: Final = True

    def links(self, log: Log) -> Links:
        """Accounts tied to payment instruments and addresses held by 2 to ``HUB`` accounts."""
        accounts, nodes, weights = [], [], []
        offset = 0
        for column in _LINKING:
            if not log.has(column):
                continue
            holder, value = _holdings(log, column)
            holders = np.bincount(value)
            edge = (holders[value] >= 2) & (holders[value] <= HUB)
            accounts.append(holder[edge].astype(np.int32))
            nodes.append(value[edge] + offset)
            weights.append(np.log(log.accounts / holders[value[edge]]))
            offset += holders.size
        if not accounts:
            return Links(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0))
        return Links(np.concatenate(accounts), np.concatenate(nodes), np.maximum(np.concatenate(weights), 0.1))

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """The identifier that is most unlikely to be shared by so many of the accounts."""
        best: tuple[float, str, int, int] | None = None
        for column, label in (_ACCOUNT_COLUMNS | _EXCHANGE_COLUMNS).items():
            if not log.has(column):
                continue
            holder, value = _holdings(log, column)
            # Pairs are sorted by holder, so a cluster's lie in one stretch for each of its accounts.
            low = np.searchsorted(holder, cluster.accounts, side="left")
            size = np.searchsorted(holder, cluster.accounts, side="right") - low
            places = np.arange(size.sum()) + np.repeat(low - np.cumsum(size) + size, size)
            held, hits = np.unique(value[places], return_counts=True)
            if held.size == 0:
                continue
            holders = _holders(log, column)[held]
            tail = np.ones(held.size)
            several = hits >= 2
            if several.any():
                tail[several] = hypergeometric_tail(
                    hits[several], log.accounts, holders[several], cluster.accounts.size
                )
            at = int(np.argmin(tail))
            p = float(tail[at]) * held.size
            if best is None or p < best[0]:
                best = (p, label, int(hits[at]), int(holders[at]))
        if best is None:
            return None
        p, label, hits_, holders_ = best
        # Bonferroni over the columns as well.
        p = min(1.0, max(P_FLOOR, p * len(_ACCOUNT_COLUMNS | _EXCHANGE_COLUMNS)))
        if hits_ < 2:
            return Finding(self.name, 1.0, "The accounts share no payment instrument, address or client.")
        return Finding(
            self.name,
            p,
            f"{hits_} of {cluster.accounts.size} accounts have one {label} in common, which {holders_} of all "
            f"{log.accounts} accounts have.",
            accounts=cluster.accounts[:8],
        )
