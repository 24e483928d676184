"""Conversations that several accounts openly go on with: shared links, and gateways that spread them.

A shared link shows its readers one conversation, and each of them may go on with it: the same history_digest stands
under as many accounts as followed the link, always as the second turn or a later one of a conversation whose first
turn they never sent. Two friends do so, or the thousands that a fashion reaches.
"""

import numpy as np
from numpy.typing import NDArray

from iolaus.simulate.grammar import Ints
from iolaus.simulate.traffic import DOMAIN, Traffic

__all__ = ["follow_link", "share_link"]


def share_link(traffic: Traffic, owner: int, topic: str, code: int, instant: int) -> int:
    """Send one request whose conversation is shared afterwards.

    Args:
        traffic: the plan to add to.
        owner: number of the account that sends it.
        topic: domain of the item.
        code: the item.
        instant: when, µs after the log's start.

    Returns:
        Number of the saved history, for ``follow_link``.
    """
    thread, saved = traffic.threads(2).tolist()
    _send(traffic, owner, np.array([instant]), DOMAIN[topic], code, thread=thread, conversation=thread, saves=saved)
    return int(saved)


def follow_link(traffic: Traffic, reader: int, topic: str, saved: int, instant: Ints) -> None:
    """Go on with a shared conversation, once at each instant.

    Args:
        traffic: the plan to add to.
        reader: number of the account that goes on.
        topic: domain of the conversation.
        saved: number that ``share_link`` gave.
        instant: when, sorted, µs after the log's start, shape (n,).
    """
    domain, code = traffic.followups(np.full(len(instant), DOMAIN[topic], dtype=np.int16))
    thread = traffic.threads(len(instant))
    _send(traffic, reader, instant, domain, code, thread=thread, conversation=thread, turn=2, resumes=saved)


def _send(
    traffic: Traffic, number: int, instant: Ints, domain: NDArray[np.int16] | int, code: Ints | int, **said: Ints | int
) -> None:
    account = traffic.accounts[number]
    traffic.add(
        instant=instant, account=number, domain=domain, code=code, system=account.habits.system,
        model=traffic.models(account, instant), **said,
    )  # fmt: skip
