"""The leak gate: does any single column, or trivial scalar, tell hydra from benign on its own?

A range whose operators could be found by one raw column would measure nothing. For each level, each column
and each scalar this gives the area under the ROC curve (AUC), at the level of exchanges and of accounts:

* a number is scored by itself (either sign) and by the hydra share of its quantile bin;
* a category is scored by the hydra share of its value (target encoding, smoothed).

Shares are learned out of fold, and folds keep an account, and an operator with all its accounts, together:
else the encoding would recognise accounts instead of judging columns. Source of the caution: Micci-Barreca
(2001), SIGKDD Explorations 3(1), on encoding high-cardinality categories.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import rankdata

from iolaus.errors import InputError
from iolaus.simulate.features import Table, account_features, exchange_features

__all__ = ["GATE", "Leak", "leak_report"]

GATE: Final = 0.75
_FOLDS: Final = 5
_BINS: Final = 16
_SMOOTHING: Final = 20.0
_MOST: Final = 40_000
_NAMES: Final = ("exchanges", "accounts", "truth_exchanges", "truth_accounts")

Floats = NDArray[np.float64]


class Leak(NamedTuple):
    """How well one column tells the hydra of a level from benign.

    Attributes:
        level: such as ``L3``.
        column: ``exchange.`` (each exchange of hydra's accounts), ``harvest.`` (each harvested one) or
            ``account.``
            followed by the column's or scalar's name.
        auc: area under the ROC curve, the larger of its readings; 0.5 tells nothing.
    """

    level: str
    column: str
    auc: float


def leak_report(folder: Path) -> list[Leak]:
    """Measure every column of a range against its truth.

    Args:
        folder: as ``simulate`` wrote it.

    Returns:
        One leak a level and column, the largest first.

    Raises:
        InputError: where a file is missing or cannot be read.
    """
    tables, levels = _read(folder)
    operator = dict(
        zip(
            tables["truth_accounts"]["account_id"].to_pylist(),
            tables["truth_accounts"]["operator_id"].to_pylist(),
            strict=True,
        )
    )
    exchanges = exchange_features(tables["exchanges"], tables["accounts"])
    accounts = account_features(exchanges, tables["accounts"])
    harvested = np.asarray(tables["truth_exchanges"]["harvested"].to_numpy(zero_copy_only=False), dtype=np.bool_)
    every = np.ones(len(exchanges.owner), dtype=np.bool_)
    out = []
    for scope, table, rows in (
        ("exchange", exchanges, every),
        ("harvest", exchanges, harvested),
        ("account", accounts, np.ones(len(accounts.owner), dtype=np.bool_)),
    ):
        owners = np.array([operator[a] or "" for a in table.owner.tolist()], dtype=object)
        for level, hydra, benign in _contrasts(owners, rows, levels):
            for name, auc in _aucs(table, owners, hydra, benign):
                out.append(Leak(level, f"{scope}.{name}", auc))
    return sorted(out, key=lambda leak: (-leak.auc, leak.level, leak.column))


def _read(folder: Path) -> tuple[dict[str, pa.Table], dict[str, str]]:
    try:
        tables = {name: pq.read_table(folder / f"{name}.parquet") for name in _NAMES}
        document = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
        return tables, dict(document["levels"])
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise InputError(f"{folder} is no range that simulate wrote: {error}") from error


def _contrasts(
    owners: NDArray[Any], rows: NDArray[np.bool_], levels: dict[str, str]
) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """Row numbers of a level's hydra and of benign, thinned to what an AUC needs."""
    rng = np.random.default_rng(0)
    benign = np.flatnonzero(owners == "")
    if len(benign) > _MOST:
        benign = np.sort(rng.choice(benign, _MOST, replace=False))
    level_of = np.array([levels.get(o, "") for o in owners.tolist()], dtype=object)
    for level in sorted(set(levels.values())):
        hydra = np.flatnonzero((level_of == level) & rows)
        if len(hydra) and len(benign):
            yield (
                level,
                hydra if len(hydra) <= _MOST else np.sort(rng.choice(hydra, _MOST, replace=False)),
                benign,
            )


def _aucs(
    table: Table, owners: NDArray[Any], hydra: NDArray[np.int64], benign: NDArray[np.int64]
) -> Iterator[tuple[str, float]]:
    rows = np.concatenate([hydra, benign])
    label = np.concatenate([np.ones(len(hydra)), np.zeros(len(benign))])
    fold = _folds(owners[rows], table.owner[rows])
    for name, values in table.numbers.items():
        picked = values[rows]
        plain = _auc(np.nan_to_num(picked, nan=np.nanmin(picked) - 1 if (~np.isnan(picked)).any() else 0.0), label)
        yield name, max(plain, 1 - plain, _encoded_auc(_bins(picked), label, fold))
    for name, codes in table.categories.items():
        yield name, _encoded_auc(codes[rows], label, fold)


def _folds(owners: NDArray[Any], accounts: NDArray[Any]) -> NDArray[np.int64]:
    """A fold for each row: operators go round the folds in turn, independent accounts by their name."""
    operators = sorted({o for o in owners.tolist() if o})
    turn = {o: i % _FOLDS for i, o in enumerate(operators)}
    folds = min(_FOLDS, max(2, len(operators)))
    return np.array(
        [
            turn[o] % folds if o else int(a[-6:], 16) % folds
            for o, a in zip(owners.tolist(), accounts.tolist(), strict=True)
        ]
    )


def _bins(values: Floats) -> NDArray[np.int64]:
    """Quantile bins; a missing value has a bin of its own."""
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return np.zeros(len(values), dtype=np.int64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)))
    return np.where(np.isnan(values), 0, np.searchsorted(edges, np.nan_to_num(values), side="right") + 1)


def _encoded_auc(codes: NDArray[np.int64], label: Floats, fold: NDArray[np.int64]) -> float:
    """Score each row by its value's hydra share among the other folds; the folds' AUCs, weighted.

    Each fold is judged by itself, because shares learned on different folds are on slightly different scales.
    """
    size = int(codes.max()) + 1
    total = weight = 0.0
    for f in np.unique(fold):
        train, test = fold != f, fold == f
        hydra = float(label[test].sum())
        if hydra == 0 or label[train].sum() == 0:
            continue
        prior = label[train].mean()
        seen = np.bincount(codes[train], minlength=size)
        ones = np.bincount(codes[train], weights=label[train], minlength=size)
        share = (ones + _SMOOTHING * prior) / (seen + _SMOOTHING)
        # Rounded, because values that differ in their last bits only are equal.
        total += hydra * _auc(np.round(share[codes[test]], 12), label[test])
        weight += hydra
    return total / weight if weight else 0.5


def _auc(score: Floats, label: Floats) -> float:
    positive = label > 0
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return 0.5
    rank = rankdata(score)
    return float((rank[positive].sum() - n * (n + 1) / 2) / (n * m))
