"""Content profiles: accounts that ask about the same mixture of things, with no template to give them away.

An account's profile is the mean of its prompts' vectors, less the population's mean. Links: each account is tied to
those of its ``NEIGHBOURS`` nearest that have it among their nearest too; the tie is a node of its own, and its weight
grows with the similarity. Raw prompts dealt out from one queue give every account the same mixture, while people keep
to their subjects. This signal only finds; whether the accounts act together, the others test.
"""

from typing import Final

import numpy as np

from iolaus.signals.base import Finding, Links, no_links
from iolaus.signals.log import Cluster, Log

__all__ = ["ProfileSignal"]

NEIGHBOURS: Final = 12
_LEAST_PROMPTS: Final = 8
_MOST_ACCOUNTS: Final = 20_000
_BLOCK: Final = 2_000


class ProfileSignal:
    """Accounts with one mixture of subjects."""

    name: Final = "profile"
    columns: Final = ()
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """Mutual nearest neighbours of profiles."""
        account = log.account[log.vector_rows]
        counts = np.bincount(account, minlength=log.accounts)
        people = np.flatnonzero(counts >= _LEAST_PROMPTS)[:_MOST_ACCOUNTS]
        if people.size <= NEIGHBOURS:
            return no_links()
        place = np.full(log.accounts, -1)
        place[people] = np.arange(people.size)
        known = place[account] >= 0
        profile = np.zeros((people.size, log.vectors.shape[1]), dtype=np.float32)
        np.add.at(profile, place[account[known]], log.vectors[known] - log.vectors.mean(axis=0))
        profile /= np.maximum(np.linalg.norm(profile, axis=1, keepdims=True), 1e-9)
        nearest, similarity = _nearest(profile)
        pairs = people.size * np.repeat(np.arange(people.size), NEIGHBOURS) + nearest.ravel()
        mutual = np.isin(nearest.ravel() * people.size + np.repeat(np.arange(people.size), NEIGHBOURS), pairs)
        left, right = pairs[mutual] // people.size, pairs[mutual] % people.size
        once = left < right
        left, right, weight = left[once], right[once], similarity.ravel()[mutual][once]
        node = np.arange(left.size)
        return Links(
            np.concatenate([people[left], people[right]]).astype(np.int32),
            np.concatenate([node, node]),
            np.tile(np.maximum(weight, 0.01), 2).astype(np.float64),
        )

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Nothing: alike in content, accounts may still be strangers."""
        return None


def _nearest(profile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices and similarities of each row's nearest other rows; (n, NEIGHBOURS) both."""
    n = profile.shape[0]
    index = np.empty((n, NEIGHBOURS), dtype=np.int64)
    similarity = np.empty((n, NEIGHBOURS), dtype=np.float32)
    for start in range(0, n, _BLOCK):
        block = profile[start : start + _BLOCK] @ profile.T
        block[np.arange(block.shape[0]), np.arange(start, start + block.shape[0])] = -2.0
        # Ties fall to the lower account, so that the order of rows cannot matter.
        best = np.argsort(-block.round(6), axis=1, kind="stable")[:, :NEIGHBOURS]
        index[start : start + _BLOCK] = best
        similarity[start : start + _BLOCK] = np.take_along_axis(block, best, axis=1)
    return index, similarity
