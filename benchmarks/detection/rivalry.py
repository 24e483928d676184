"""Iolaus beside its peers, row by row: the best peer, and where that one is better."""

from dataclasses import dataclass

import numpy as np

from benchmarks.detection.methods import OURS, PEERS
from benchmarks.detection.summary import Mean, Results, paired

__all__ = ["BestPeer", "Loss", "best_peer", "losses"]


@dataclass(frozen=True, slots=True)
class BestPeer:
    """The peer with the highest mean recall in a row."""

    method: str
    mean: float


@dataclass(frozen=True, slots=True)
class Loss:
    """A row in which a peer has the higher mean recall.

    Attributes:
        scenario, row: where.
        ours, theirs: mean recalls on the test seeds.
        method: the peer.
        false_share: its benign share of flagged accounts in that scenario, mean over the test seeds.
        difference: ours less theirs, paired by seed.
    """

    scenario: str
    row: str
    ours: float
    method: str
    theirs: float
    false_share: float
    difference: Mean | None


def best_peer(results: Results, scenario: str, row: str) -> BestPeer | None:
    """The best of the peers on the seeds that Iolaus ran on; None where none was run, or none finds anything."""
    seeds = set(results.recalls(scenario, OURS, row))
    recalls = {m: [r for s, r in results.recalls(scenario, m, row).items() if s in seeds] for m in PEERS}
    known = {m: float(np.mean(v)) for m, v in recalls.items() if v}
    best = max(known, key=lambda m: known[m], default=None)
    return None if best is None or known[best] == 0 else BestPeer(best, known[best])


def losses(results: Results) -> list[Loss]:
    """Every row where some peer is better, whatever its realised false discoveries; the best one of each row."""
    found = []
    for scenario, methods in results.outcomes.items():
        for row in results.rows(scenario):
            ours, peer = results.recalls(scenario, OURS, row), best_peer(results, scenario, row)
            if not ours or peer is None or peer.mean <= float(np.mean(list(ours.values()))):
                continue
            false = float(np.mean([o.false_share for o in methods[peer.method].values()]))
            theirs = results.recalls(scenario, peer.method, row)
            mean = float(np.mean(list(ours.values())))
            found.append(Loss(scenario, row, mean, peer.method, peer.mean, false, paired(ours, theirs)))
    return found
