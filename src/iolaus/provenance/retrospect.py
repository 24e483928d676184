"""Twins that are drawn after the fact, where nobody planned for them: grade B.

The served answer is in the log; fresh answers to the same prompt are drawn now, from the same frozen weights at the
logged settings. If weights and settings really are the same, all of them are independent draws from one law, and which
was served is again a fair coin for a model that never learnt from it. That *if* is what a coin that was committed
beforehand does not need. So the test puts answers that were drawn at the time but never served to anybody in the place
of the served ones; where these can be told from fresh ones, or where there are too few, nobody is accused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from iolaus.errors import InputError
from iolaus.provenance.vault import LateTwins, Vault
from iolaus.schema import REFUSED

__all__ = ["LateDraw", "draw_late_twins"]


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
) -> LateDraw:
    """Draw fresh answers to logged exchanges and put both into the vault.

    Only single turns are used, for the log holds a digest of a history and not the history; and only answers that
    were drawn at random, for at temperature 0 every draw is the same.

    Args:
        vault: takes the twins; seal it afterwards.
        exchanges: rows of the contract's exchange table; ``exchange_id``, ``account_id``, ``prompt`` and ``response``
            are needed.
        sample: draws one fresh answer to a row, with the weights and the settings that the row was answered with.
        twins: fresh answers to each.
        never_served: the rows' responses were drawn at the time but handed out to nobody; for the self-test.

    Raises:
        InputError: a row lacks a needed column.
    """
    rows: list[LateTwins] = []
    skipped: dict[str, int] = {}
    for number, row in enumerate(exchanges, 1):
        missing = [name for name in ("exchange_id", "account_id", "prompt", "response") if name not in row]
        if missing:
            raise InputError(f"exchange {number} lacks {', '.join(missing)}")
        reason = _unfit(row)
        if reason:
            skipped[reason] = skipped.get(reason, 0) + 1
            continue
        fresh = tuple(sample(row) for _ in range(twins))
        details = {"exchange_id": row["exchange_id"], "temperature": row.get("temperature")}
        rows.append(LateTwins(row["prompt"], row["response"], fresh, row["account_id"], never_served, details))
    vault.commit_late(rows)
    return LateDraw(len(rows), skipped)


def _unfit(row: Mapping[str, Any]) -> str | None:
    if not row["response"]:
        return "no response"
    if row.get("status_code") in REFUSED:
        return "refused"
    if (row.get("turn") or 1) > 1:
        return "not the first turn"
    if row.get("temperature") == 0:
        return "temperature 0"
    return None
