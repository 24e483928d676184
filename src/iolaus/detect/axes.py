"""The axes that judge a cluster: coordination, concealment, extraction."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy.special import expit

from iolaus.campaign import Axis
from iolaus.signals import SIGNALS, Cluster, Finding, Log, distinct_pairs, rows_of, shared_list
from iolaus.stats import binomial_tail, cauchy_combination, log_odds_bound
from iolaus.text import CAPABILITIES
from iolaus.text.jit import kernel
from iolaus.text.tokens import mix64

__all__ = [
    "DOUBT",
    "Extraction",
    "Harvest",
    "Profile",
    "concealment",
    "coordination",
    "gateway",
    "harvest",
    "open_group",
    "profile_of",
    "single_turns",
]

# What metadata alone can say: it is spoofed by default in relay software, and shared innocently behind one address.
METADATA_FLOOR: Final = 0.05
# Below even odds, but not so far that harvesting can be ruled out.
DOUBT: Final = 0.3
_SHARED: Final = 0.05
_COMMON: Final = 0.1
# Beyond this, everybody asks everything: that is a list, however evenly it is run; and all are behind one address.
_NEARLY_ALL: Final = 0.85
_METADATA: Final = frozenset(signal.name for signal in SIGNALS if signal.metadata)


def coordination(findings: list[Finding]) -> Axis:
    """One p-value for the null that the accounts act independently, and its weight as a score.

    Cauchy combination over the findings, for signals see the same exchanges and depend on each other; metadata enters
    no lower than ``METADATA_FLOOR``, and where behaviour says nothing at all (p above 1/2) it is left out.
    """
    behaviour = cauchy_combination([f.p_value for f in findings if f.signal not in _METADATA])
    capped = [max(f.p_value, METADATA_FLOOR) for f in findings if f.signal in _METADATA]
    p = cauchy_combination([behaviour, *capped]) if capped and behaviour <= 0.5 else behaviour
    return Axis(score=float(expit(log_odds_bound(p) - 2.0)), p_value=p)


def concealment(log: Log, cluster: Cluster, dealt: bool) -> Axis:
    """Whether what moves as one passes for many.

    An account openly belongs to its organisation; without one it stands for itself. Where nothing shows work that is
    dealt out, accounts that came by the same referral (an event, a class, a partner) count as an open group too, as
    far as the referral is theirs: a tenth of all accounts at most have it. Null: at least half of the accounts openly
    belong together; the p-value is the binomial chance of so few. The score is the share of accounts outside the
    largest group.

    Args:
        log: the log.
        cluster: the cluster.
        dealt: whether the accounts' work is dealt out by one hand.
    """
    m = cluster.accounts.size
    largest = _largest(log, cluster, "org_id", log.accounts)
    if not dealt:
        largest = max(largest, _largest(log, cluster, "referrer", max(3 * m, int(_COMMON * log.accounts))))
    p = 1.0 - binomial_tail(largest + 1, m, 0.5) if largest < m else 1.0
    return Axis(score=1.0 - largest / m, p_value=float(np.clip(p, 1e-12, 1.0)))


def gateway(log: Log, cluster: Cluster) -> bool:
    """Whether nearly all accounts (``_NEARLY_ALL``) send from one and the same address."""
    if "ip" not in log.codes:
        return False
    rows = rows_of(log, cluster.accounts)
    rows = rows[log.codes["ip"][rows] >= 0]
    users = np.bincount(log.codes["ip"][rows[distinct_pairs(log.codes["ip"][rows], log.account[rows])]])
    return int(users.max(initial=0)) >= _NEARLY_ALL * cluster.accounts.size


def open_group(log: Log, cluster: Cluster) -> np.ndarray:
    """Accounts of the cluster that openly belong to its largest organisation; int32, empty where it has none."""
    values = log.account_codes.get("org_id")
    if values is None:
        return cluster.accounts[:0]
    of = values[cluster.accounts]
    if not (of >= 0).any():
        return cluster.accounts[:0]
    group: np.ndarray = cluster.accounts[of == np.bincount(of[of >= 0]).argmax()]
    return group


def _largest(log: Log, cluster: Cluster, column: str, most: int) -> int:
    """Accounts of the cluster that share the commonest value, of those that at most so many accounts have at all."""
    values = log.account_codes.get(column)
    if values is None:
        return 0
    known = values[cluster.accounts]
    known = known[known >= 0]
    if known.size == 0:
        return 0
    held = np.bincount(values[values >= 0])
    inside = np.bincount(known, minlength=held.size)
    # A value that is as common outside is nobody's own.
    lifted = inside * log.accounts >= 3 * held * cluster.accounts.size
    return int(inside[(held <= most) & lifted].max(initial=0))


@dataclass(frozen=True, slots=True)
class Profile:
    """How training-shaped exchanges are, one value an account; float64 (A,) each, nan where an account has none.

    Attributes:
        single: share of exchanges that are a conversation of one turn.
        form: how much the prompts look like one instruction with ever new fillings, 0 to 1 (``form_of``).
        named: share of exchanges whose words name a capability that campaigns elicit.
        volume: log2 of exchanges.
        repeated: share of what is asked that the others ask as well; a harvester pays for no answer twice.
    """

    single: np.ndarray
    form: np.ndarray
    named: np.ndarray
    volume: np.ndarray
    repeated: np.ndarray

    def score(self) -> np.ndarray:
        """Log-odds an account that its exchanges are harvested rather than used; float64, like the attributes.

        Weights are priors from what campaigns were reported to do, not fitted. Single turns are worth two nats where
        complete; one instruction with ever new fillings three; a named capability two. Fewer than four exchanges an
        account cost three nats a halving, for a prompt that everybody sends once is no harvest.
        """
        shape = 2.0 * self.single + 3.0 * self.form + 2.0 * np.minimum(1.0, 1.5 * self.named)
        odds: np.ndarray = shape * (1.0 - self.repeated) - 4.5 + np.clip(3.0 * (self.volume - 2.0), -6.0, 1.0)
        return odds


def profile_of(log: Log, rows: np.ndarray) -> Profile:
    """Profile of every account on the given exchanges; int64 (e,)."""
    account = log.account[rows]
    count = np.bincount(account, minlength=log.accounts).astype(float)
    count[count == 0] = np.nan
    distinct = np.bincount(account[distinct_pairs(log.item[rows], account)], minlength=log.accounts)
    filling = np.bincount(account, weights=log.fresh[rows], minlength=log.accounts) / count
    begins = np.bincount(account, weights=single_turns(log, rows), minlength=log.accounts)
    named = np.bincount(account, weights=(log.flags[rows] != 0).astype(float), minlength=log.accounts)
    return Profile(
        begins / count, form_of(filling) * distinct / count, named / count, np.log2(count), np.zeros(log.accounts)
    )


def form_of(filling: np.ndarray) -> np.ndarray:
    """1 where prompts have both an instruction that stays and fillings that change, falling to 0 without either.

    Full marks from a quarter of filling and from an eighth of instruction on: a long text behind a short instruction
    counts, a text that all have in common (no filling) and free writing (no instruction) do not.
    """
    shape: np.ndarray = np.minimum(1.0, filling / 0.25) * np.minimum(1.0, (1.0 - filling) / 0.125)
    return shape


@lru_cache(maxsize=2)
def _conversation_sizes(log: Log) -> np.ndarray:
    """Exchanges of each conversation, int64."""
    conversation = log.codes["conversation_id"]
    return np.bincount(conversation[conversation >= 0])


def single_turns(log: Log, rows: np.ndarray) -> np.ndarray:
    """Which exchanges, int64 (e,), are a conversation of one turn; all, where the log does not tell. bool (e,)."""
    single = np.ones(rows.size, dtype=bool)
    if "conversation_id" in log.codes:
        sizes = _conversation_sizes(log)
        conversation = log.codes["conversation_id"][rows]
        single[conversation >= 0] = sizes[conversation[conversation >= 0]] == 1
    if "turn" in log.numbers:
        single[log.numbers["turn"][rows] > 1] = False
    return single


def filling(log: Log, cluster: Cluster) -> float:
    """How much of the cluster's prompts is content that its accounts do not share: mean share of their shingles.

    A shingle is shared when a twentieth of the exchanges, and three at least, hold it: the template's words, but also a
    viral text or an assignment that everybody was given.
    """
    own, sampled = _unshared(log, cluster, 0)
    return float((own / np.maximum(sampled, 1)).mean()) if own.size else 0.0


def instructed(log: Log, cluster: Cluster) -> float:
    """Share of the cluster's exchanges whose system instructions hold shingles that it shares."""
    own, sampled = _unshared(log, cluster, 3)
    return float((own < sampled).mean()) if own.size else 0.0


def _unshared(log: Log, cluster: Cluster, region: int) -> tuple[np.ndarray, np.ndarray]:
    """For each exchange of the core, shingles of a region that it does not share, and all that were sampled there."""
    width = log.shingles.shape[1] // 4
    values = log.shingles[cluster.core, region * width : (region + 1) * width]
    return _rare(values, max(3, _SHARED * cluster.core.size)), (values != 0).sum(axis=1)


@kernel
def _rare(values: np.ndarray, least: float) -> np.ndarray:
    """How many values of each row, but for 0, fewer than ``least`` rows have in the same column; float64."""
    own = np.zeros(values.shape[0])
    size = 16
    while size < 2 * values.shape[0]:
        size *= 2
    mask = np.uint64(size - 1)
    slots = np.empty(values.shape[0], dtype=np.int64)
    for column in range(values.shape[1]):
        names = np.zeros(size, dtype=np.uint32)
        uses = np.zeros(size, dtype=np.int64)
        for row in range(values.shape[0]):
            value = values[row, column]
            slot = np.int64(mix64(value) & mask)
            while names[slot] != 0 and names[slot] != value:
                slot = (slot + 1) % size
            if value != 0:
                names[slot] = value
                uses[slot] += 1
            slots[row] = slot
        for row in range(values.shape[0]):
            own[row] += values[row, column] != 0 and uses[slots[row]] < least
    return own


@dataclass(frozen=True, slots=True)
class Extraction:
    """The extraction axis with the shares behind it."""

    axis: Axis
    capabilities: dict[str, float]
    single: float
    fresh: float


@dataclass(frozen=True, slots=True)
class Harvest:
    """What the extraction axis is made of, whether or not the work is dealt out.

    Attributes:
        single: mean over accounts of ``Profile.single``; ``named`` and ``volume`` likewise.
        form: how much the prompts look like one instruction with ever new fillings, 0 to 1.
        shared: how far the accounts all ask the same.
        fresh: share of prompts that are never repeated.
        p_value: of the axis.
        capabilities: share of exchanges that name each.
    """

    single: float
    named: float
    volume: float
    form: float
    shared: float
    fresh: float
    p_value: float
    capabilities: dict[str, float]

    @property
    def by_itself(self) -> bool:
        """Whether it may be one by what is asked alone, even if nobody deals it out."""
        return self.extraction(False).axis.score >= DOUBT

    def extraction(self, dealt: bool) -> Extraction:
        """The axis: its score is the probability of the joint log-odds, what several accounts ask counting as repeated.

        Args:
            dealt: whether the queue test shows items dealt out to the accounts, which is worth two nats: nobody deals
                out work that is only used.
        """
        # Asking the same of most accounts is a shared list, unless it is dealt to exactly so many (n-best sampling).
        shared = 0.0 if dealt and self.shared <= _NEARLY_ALL else self.shared
        joint = Profile(*(np.array([v]) for v in (self.single, self.form, self.named, self.volume, shared)))
        odds = float(joint.score()[0]) + (2.0 if dealt else 0.0)
        return Extraction(Axis(float(expit(odds)), self.p_value), self.capabilities, self.single, self.fresh)


def harvest(log: Log, cluster: Cluster, population: np.ndarray) -> Harvest:
    """How training-shaped the cluster's own exchanges are.

    Null: the accounts are no more training-shaped than the population; at most twice as often as a tenth of them lie
    above the population's upper tenth (binomial).

    Args:
        log: the log.
        cluster: the cluster; only its own exchanges are judged, so cover traffic does not dilute it.
        population: log-odds of outside accounts, float64 (r,).
    """
    profile = profile_of(log, cluster.core)
    of = {name: getattr(profile, name)[cluster.accounts] for name in ("single", "named", "volume")}
    fresh = np.unique(log.item[cluster.core]).size / max(cluster.core.size, 1)
    form = 0.0
    if cluster.of_text:
        filled = np.array([filling(log, cluster)])
        form = float(np.maximum(form_of(filled), instructed(log, cluster) * np.minimum(1.0, filled / 0.25))[0])
    means = {name: float(np.nanmean(values)) for name, values in of.items()}
    flags = log.flags[cluster.core]
    scores = profile.score()[cluster.accounts]
    p = 1.0
    if population.size >= 20:
        above = int((scores > np.quantile(population, 0.9)).sum())
        p = binomial_tail(above, cluster.accounts.size, 0.2)
    shares = {name: float(((flags >> np.uint32(i)) & np.uint32(1)).mean()) for i, name in enumerate(CAPABILITIES)}
    return Harvest(
        **means,
        form=form,
        shared=shared_list(log, cluster),
        fresh=fresh,
        p_value=p,
        capabilities={name: share for name, share in shares.items() if share >= 0.01},
    )
