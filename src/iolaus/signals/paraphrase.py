"""Paraphrase: accounts that draw on one pool of wordings and put them together ever anew.

Who hides a template says it in other words each time. What is left are turns of phrase that stand in for each other:
two that never show in one prompt although both are common, while each of them goes with the same third ones. Several
people who share templates or turns of phrase each have their own favourites among those that stand in for each other;
wordings that one program draws are used by all accounts in the same proportions, whatever each one's share of the work
is. So two things are demanded: that many accounts use wordings that stand in for each other, and that the accounts'
proportions differ no more than draws from one pool do. The measure of the latter is the dispersion of their counts,
chi-square over its degrees of freedom, which is 1 for one pool.

Null: each account has a taste of its own, at least as strong as a fifth of the variance between accounts (intraclass
correlation 0.2; uniform tastes over four wordings have it). Counts of n then disperse by 1 + 0.2 (n - 1) (the variance
of a Dirichlet multinomial: Mosimann, Biometrika 49, 1962, section 2), and the p-value is the lower tail of chi-square
with one degree of freedom for each account and each four wordings. People who run one list disperse less than draws
from a pool: that is no finding, nor is a phrase that is a small part of what the accounts send.
"""

from typing import Final

import numpy as np
from scipy import sparse
from scipy import stats as sps

from iolaus.signals.base import Finding, Links, no_links
from iolaus.signals.idiom import covered
from iolaus.signals.log import Cluster, Log, activity
from iolaus.stats import P_FLOOR
from iolaus.text import held_shingles

__all__ = ["ParaphraseSignal", "one_pool"]

_MOST_PROMPTS: Final = 6_000
_LEAST_PROMPTS: Final = 20
_LEAST_SHINGLES: Final = 6
_MOST_SHINGLES: Final = 400
# Two turns of phrase stand in for each other when chance would show them together so often, and they hardly do ...
_EXPECTED: Final = 3.0
_NEVER: Final = 0.1
# ... while so many others go with both as often as chance has it, or nearly.
_COMPANIONS: Final = 2
_TOGETHER: Final = 0.5
# So many of the accounts must themselves use wordings that stand in for each other ...
_ALTERNATE: Final = 1 / 3
# ... as a tenth of what they send at least, for a chance phrase is a small part of what a stranger sends ...
_LEAST_SHARE: Final = 0.1
# ... and with no less dispersion than this: less than draws from a pool would give is one list that everybody runs.
_LEAST_DISPERSION: Final = 0.6
# ... nor more than this, where tastes show although they are weaker than the null's.
_MOST_DISPERSION: Final = 1.3
_LEAST_COHESION: Final = 0.35
_TASTE: Final = 0.2
# One choice among wordings is taken for each so many of them, and so many choices at most.
_WORDINGS: Final = 4
_MOST_CHOICES: Final = 6
# A part of what accounts send, however it is put together, convicts nobody: other evidence has to join it. Where most
# of what each account sends is in the others' idiom, and no turn of phrase stays as a fixed template's would, it may.
_FLOOR: Final = 0.01
_MOSTLY: Final = 0.4
_FIXED: Final = 0.6
# A handful of friends may well share a way of asking.
_MOSTLY_ACCOUNTS: Final = 6
_MOSTLY_FLOOR: Final = 1e-5
_MOST_PAIRS: Final = 2_000


class ParaphraseSignal:
    """One pool of wordings behind many accounts."""

    name: Final = "paraphrase"
    columns: Final = ()
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """None: the wordings that accounts share find the cluster."""
        return no_links()

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Look for wordings that stand in for each other, within accounts."""
        rows = cluster.core[:: max(-(-cluster.core.size // _MOST_PROMPTS), 1)]
        if cluster.phrases.size < _LEAST_SHINGLES or rows.size < _LEAST_PROMPTS:
            return None
        held, bin_of = held_shingles(log.shingles[rows], cluster.phrases)
        common = np.argsort(-np.asarray(held.sum(axis=0)).ravel(), kind="stable")[:_MOST_SHINGLES]
        held, bin_of = held[:, common], bin_of[common]
        fixed = float(held.mean(axis=0).max())
        instead = _stand_ins(held, bin_of)
        if not instead.any():
            return None
        people, who = np.unique(log.account[rows], return_inverse=True)
        using = sparse.csr_matrix((np.ones(rows.size), (who, np.arange(rows.size))), shape=(people.size, rows.size))
        uses = (using @ held).toarray()
        some = (uses > 0).astype(float)
        alternates = np.einsum("ai,ij,aj->a", some, instead.astype(float), some) > 0
        wordings = int(instead.any(axis=0).sum())
        p, dispersion = one_pool(uses, instead)
        if not np.isfinite(dispersion):
            return None
        if wordings < _LEAST_SHINGLES or alternates.sum() < max(3, _ALTERNATE * people.size):
            p = 1.0
        if not _LEAST_DISPERSION <= dispersion <= _MOST_DISPERSION:
            p = 1.0
        if _share(log, cluster) < _LEAST_SHARE or cluster.cohesion < _LEAST_COHESION:
            p = 1.0
        mostly = covered(log, cluster)
        by_itself = mostly >= _MOSTLY and fixed <= _FIXED and people.size >= _MOSTLY_ACCOUNTS
        p = max(p, _MOSTLY_FLOOR if by_itself else _FLOOR)
        return Finding(
            self.name,
            p,
            f"{int(alternates.sum())} of {people.size} accounts say one thing in ever other words, the same ones: "
            f"{wordings} turns of phrase stand in for each other, in like proportions (dispersion {dispersion:.2f}); "
            f"{mostly:.0%} of what the median account sends is in the others' idiom.",
            exchanges=rows[:: max(rows.size // 8, 1)][:8],
            accounts=people[alternates][:8].astype(np.int32),
            values={"wordings": float(wordings), "dispersion": dispersion, "mostly": mostly},
        )


def _share(log: Log, cluster: Cluster) -> float:
    """The cluster's own exchanges as a share of all that its median account sends."""
    own = np.bincount(log.account[cluster.core], minlength=log.accounts)[cluster.accounts]
    every = activity(log).sent[cluster.accounts]
    return float(np.median(own / np.maximum(every, 1)))


def one_pool(uses: np.ndarray, instead: np.ndarray) -> tuple[float, float]:
    """Whether accounts use wordings that stand in for each other as draws from one pool would, not by their own taste.

    Args:
        uses: float64 (a, k), prompts of each account with each turn of phrase.
        instead: bool (k, k), which of them stand in for each other.

    Returns:
        The p-value under the null of tastes, and the dispersion: chi-square over its degrees of freedom,
        all pairs together. 1 and infinity where nothing can be compared.
    """
    left, right = np.nonzero(np.triu(instead))
    busy = np.argsort(-np.minimum(uses.sum(axis=0)[left], uses.sum(axis=0)[right]), kind="stable")[:_MOST_PAIRS]
    first, second = uses[:, left[busy]], uses[:, right[busy]]
    both = first + second
    share = first.sum(axis=0) / np.maximum(both.sum(axis=0), 1.0)
    compared = both >= 2
    people = int(compared.any(axis=1).sum())
    terms = compared.sum(axis=0)
    freedom = float(np.maximum(terms - 1, 0).sum())
    if people < 3 or freedom == 0:
        return 1.0, float("inf")
    variance = np.maximum(both * share * (1 - share), 1e-12)
    dispersion = float(np.where(compared, (first - both * share) ** 2 / variance, 0.0).sum() / freedom)
    tastes = 1.0 + _TASTE * float((both[compared] - 1.0).mean())
    choices = min(max(int(instead.any(axis=0).sum()) / _WORDINGS, 1.0), _MOST_CHOICES)
    degrees = (people - 1) * choices
    return float(np.clip(sps.chi2.cdf(degrees * dispersion / tastes, degrees), P_FLOOR, 1.0)), dispersion


def _stand_ins(held: sparse.csr_matrix, bin_of: np.ndarray) -> np.ndarray:
    """Which turns of phrase stand in for each other; bool (k, k), symmetric.

    Args:
        held: CSR (n, k), 1 where a prompt holds a turn of phrase.
        bin_of: int64 (k,), the sketch's bin of each; two of one bin are never seen together whatever they are.
    """
    together = (held.T @ held).toarray()
    count = np.diag(together)
    expected = np.outer(count, count) / max(held.shape[0], 1)
    enough = expected >= _EXPECTED
    apart = enough & (together <= _NEVER * expected) & (bin_of[:, None] != bin_of[None, :])
    goes_with = (enough & (together >= _TOGETHER * expected)).astype(float)
    np.fill_diagonal(goes_with, 0.0)
    companions = goes_with @ goes_with
    instead: np.ndarray = apart & (companions >= _COMPANIONS)
    return instead
