"""Twins that are drawn after the fact, where nobody planned for them: grade B.

The served answer is in the log; fresh answers to the same prompt are drawn now, from the same frozen weights at the
logged settings. If weights and settings really are the same, all of them are independent draws from one law, and which
was served is again a fair coin for a model that never learnt from it. That *if* is what a coin that was committed
beforehand does not need. So the test puts answers that were drawn at the time but never served to anybody in the place
of the served ones; where these can be told from fresh ones, or where there are too few, nobody is accused.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from iolaus.errors import InputError
from iolaus.provenance.vault import LateTwins, Vault
from iolaus.schema import REFUSED

__all__ = ["LateDraw", "draw_late_twins"]

_AT_ONCE: Final = 100


@dataclass(frozen=True)
class LateDraw:
    """What became of the rows of a log.

    Args:
        sealed: exchanges that got twins and are in the vault.
        skipped: how many did not, by reason.
    """

    sealed: int
    skipped: dict[str, int]


def draw_late_twins(
    vault: Vault,
    exchanges: Iterable[Mapping[str, Any]],
    sample: Callable[[Mapping[str, Any]], str],
    *,
    twins: int = 1,
    never_served: bool = False,
    most: int | None = None,
) -> LateDraw:
    """Draw fresh answers to logged exchanges and put both into the vault.

    Only single turns are used, for the log holds a digest of a history and not the history; only prompts that were all
    the model saw; and only answers that were drawn at random, for at temperature 0 every draw is the same. An exchange
    that has twins in the vault gets no others, so that nobody can draw until he likes them; a draw that was killed can
    be gone on with.

    Args:
        vault: takes the twins, some at a time; seal it afterwards.
        exchanges: rows of the contract's exchange table; ``exchange_id``, ``account_id``, ``prompt`` and ``response``
            are needed.
        sample: draws one fresh answer to a row, with the weights and the settings that the row was answered with.
        twins: fresh answers to each.
        never_served: the rows' responses were drawn at the time but handed out to nobody; for the self-test.
        most: exchanges to draw for; where there are more, a hash of their ids decides which. None for all.

    Raises:
        InputError: a row lacks a needed column.
    """
    skipped: Counter[str] = Counter()
    fit = _fit(exchanges, vault.drawn_later(), skipped)
    chosen = list(fit) if most is None else heapq.nsmallest(most, fit, key=_place)
    for start in range(0, len(chosen), _AT_ONCE):
        rows = []
        for row in chosen[start : start + _AT_ONCE]:
            fresh = tuple(sample(row) for _ in range(twins))
            details = {"exchange_id": row["exchange_id"], "temperature": row.get("temperature")}
            rows.append(LateTwins(row["prompt"], row["response"], fresh, row["account_id"], never_served, details))
        vault.commit_late(rows)
    return LateDraw(len(chosen), dict(skipped))


def _fit(
    exchanges: Iterable[Mapping[str, Any]], drawn: Collection[str], skipped: Counter[str]
) -> Iterator[Mapping[str, Any]]:
    """The rows that twins can be drawn for; the others are counted by reason."""
    for number, row in enumerate(exchanges, 1):
        missing = [name for name in ("exchange_id", "account_id", "prompt", "response") if name not in row]
        if missing:
            raise InputError(f"exchange {number} lacks {', '.join(missing)}")
        reason = "has twins already" if str(row["exchange_id"]) in drawn else _unfit(row)
        if reason:
            skipped[reason] += 1
        else:
            yield row


def _place(row: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(str(row["exchange_id"]).encode("utf-8", "surrogatepass")).digest()


def _unfit(row: Mapping[str, Any]) -> str | None:
    reasons = {
        "no response": not row["response"],
        "refused": row.get("status_code") in REFUSED,
        "not the first turn": (row.get("turn") or 1) > 1
        or (row.get("turn") is None and bool(row.get("history_digest"))),
        "system instructions": bool(row.get("system")),
        "tools": (row.get("tool_count") or 0) > 0,
        "temperature 0": row.get("temperature") == 0,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
