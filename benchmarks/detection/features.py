"""What an account does, as the numbers that outlier detectors are given."""

from typing import Final

import numpy as np
import pyarrow as pa

from benchmarks.detection.wordings import account_numbers

__all__ = ["account_features"]

_HOUR: Final = 3_600_000_000
_SPREAD: Final = 1e-9


def account_features(exchanges: pa.Table) -> tuple[np.ndarray, list[str]]:
    """Features of every account, float64 (accounts, 14 at most), and the accounts' ids.

    Volume, pace, hours, lengths, repetition, conversation, refusals, clients and addresses; heavy-tailed ones as
    logarithms. Nulls count as 0; a feature in which no two accounts differ is left out.
    """
    account, names = account_numbers(exchanges)
    order = np.argsort(account, kind="stable")
    edges = np.flatnonzero(np.diff(account[order])) + 1
    instant = exchanges.column("timestamp").cast(pa.int64()).to_numpy()
    number = {c: _numbers(exchanges, c) for c in ("input_tokens", "output_tokens", "turn", "status_code")}
    text = {c: _values(exchanges, c) for c in ("prompt", "ip", "user_agent", "request_model", "conversation_id")}
    table = np.array([_of_account(mine, instant, number, text) for mine in np.split(order, edges)])
    return table[:, np.ptp(table, axis=0) > _SPREAD], names


def _of_account(
    mine: np.ndarray, instant: np.ndarray, number: dict[str, np.ndarray], text: dict[str, np.ndarray]
) -> list[float]:
    at = np.sort(instant[mine])
    n = mine.size
    gaps = np.diff(at) / 1e6 if n > 1 else np.array([0.0])
    hours = np.bincount((at // _HOUR) % 24, minlength=24) / n
    days = np.unique(at // (24 * _HOUR)).size
    asked, given = number["input_tokens"][mine], number["output_tokens"][mine]
    return [
        np.log1p(n),
        np.log1p(n / days),
        float(gaps.std() / (gaps.mean() + 1e-9)),
        float(-(hours[hours > 0] * np.log(hours[hours > 0])).sum()),
        float(hours[:6].sum()),
        float(np.log1p(asked).mean()),
        float(np.log1p(asked).std()),
        float(np.log1p(given).mean()),
        float(np.log1p(given).std()),
        float(np.log1p(given.sum()) - np.log1p(asked.sum())),
        np.unique(text["prompt"][mine]).size / n,
        float((number["turn"][mine] <= 1).mean()),
        float(np.isin(number["status_code"][mine], (403, 429)).mean()),
        np.log1p(sum(np.unique(text[c][mine]).size for c in ("ip", "user_agent", "request_model"))),
    ]


def _numbers(exchanges: pa.Table, column: str) -> np.ndarray:
    values: np.ndarray = exchanges.column(column).fill_null(0).to_numpy().astype(np.float64)
    return values


def _values(exchanges: pa.Table, column: str) -> np.ndarray:
    codes = exchanges.column(column).combine_chunks().dictionary_encode().indices
    values: np.ndarray = codes.fill_null(-1).to_numpy()
    return values
