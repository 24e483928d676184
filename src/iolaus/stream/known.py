"""Campaigns from one judgement to the next: who is who, and what is remembered of each."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from iolaus.campaign import Campaign, Evidence
from iolaus.stream.necks import Neck

__all__ = ["Joined", "Known", "named", "remember", "shown"]

# A campaign is the same as before when it has so large a part of the smaller one's accounts ...
_ACCOUNTS: Final = 0.3
# ... or of the smaller one's own shingles: a new pool has other accounts and the same words.
_PHRASES: Final = 0.5
# Campaigns remembered, and accounts of each.
_MOST: Final = 256
_MOST_ACCOUNTS: Final = 100_000
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Joined:
    """An account that joined between judgements.

    Attributes:
        p_value: of the null that it is an outsider.
        hits: exchanges that took the neck up.
        looked: exchanges since the first of these.
        sent: all its exchanges by then.
        exchange_ids: a few of the hits.
        at: when, microseconds since 1970 UTC.
    """

    p_value: float
    hits: int
    looked: int
    sent: int
    exchange_ids: tuple[str, ...]
    at: int


@dataclass(slots=True)
class Known:
    """What is remembered of a campaign.

    Attributes:
        record: as it was last judged.
        accounts: everybody who was ever judged to be in it.
        phrases: uint64, its own shingles, sorted.
        joined: who joined by the neck and was not judged to be in it since.
        neck: None where nothing sets it apart, or it was not confirmed.
        current: whether the last judgement found it.
    """

    record: Campaign
    accounts: set[str]
    phrases: np.ndarray
    joined: dict[str, Joined] = field(default_factory=dict)
    neck: Neck | None = None
    current: bool = True


def named(known: dict[str, Known], found: list[Campaign], phrases: list[np.ndarray], free: int) -> list[str]:
    """The id of each campaign found: that of the known one that it is, or a new one.

    Each known campaign is claimed once, by the campaign that it agrees with most; ties go to the older one and to the
    graver verdict.

    Args:
        known: by id, in the order in which they became known.
        found: campaigns of a judgement, the gravest first.
        phrases: the own shingles of each, sorted.
        free: number of the next new id.
    """
    claims = []
    for place, (campaign, own) in enumerate(zip(found, phrases, strict=True)):
        members = set(campaign.accounts)
        for age, (name, one) in enumerate(known.items()):
            people = len(members & (one.accounts | one.joined.keys())) / max(min(len(members), len(one.accounts)), 1)
            words = np.intersect1d(own, one.phrases).size / max(min(own.size, one.phrases.size), 1)
            if people >= _ACCOUNTS or words >= _PHRASES:
                claims.append((-(people + words), age, place, name))
    names: dict[int, str] = {}
    taken: set[str] = set()
    for _, _, place, name in sorted(claims):
        if place not in names and name not in taken:
            names[place] = name
            taken.add(name)
    for place in range(len(found)):
        if place not in names:
            names[place] = f"C{free:03d}"
            free += 1
    return [names[place] for place in range(len(found))]


def shown(one: Known) -> Campaign:
    """The campaign as campaigns.json has it: as it was judged, with who joined since."""
    if not one.joined:
        return one.record
    newest = sorted(one.joined.items(), key=lambda item: (-item[1].at, item[0]))
    count = len(newest)
    least, most = (f(j.p_value for j in one.joined.values()) for f in (min, max))
    told = (
        f"{count} account{'s' if count != 1 else ''} joined since it was judged: they take up its own words, prompts "
        f"or histories, each with a p-value of at most {most:.1g} (the least {least:.1g})"
    )
    if one.neck is not None:
        told += f"; {one.neck.takers.size} of {one.neck.outside} outsiders ever did"
    evidence = Evidence(
        "neck",
        told + ".",
        # It says who joined; of the campaign itself it says nothing, and adds nothing to what was found.
        1.0,
        tuple(sorted(e for _, j in newest[:_SHOWN] for e in j.exchange_ids[:1])),
        tuple(sorted(name for name, _ in newest[:_SHOWN])),
    )
    accounts = tuple(sorted({*one.record.accounts, *one.joined}))
    return replace(one.record, accounts=accounts, evidence=(*one.record.evidence, evidence))


def remember(known: dict[str, Known], record: Campaign, phrases: np.ndarray) -> None:
    """Enter a judged campaign; who had joined it and is judged to be in it is no longer joined."""
    accounts = set(record.accounts)
    one = known.setdefault(record.campaign_id, Known(record, accounts, phrases))
    one.joined = {who: j for who, j in one.joined.items() if who not in accounts}
    one.accounts = accounts if len(one.accounts) > _MOST_ACCOUNTS else one.accounts | accounts
    one.record, one.current = record, True
    if phrases.size:
        one.phrases = phrases
    while len(known) > _MOST and not all(k.current for k in known.values()):
        del known[next(name for name, k in known.items() if not k.current)]
