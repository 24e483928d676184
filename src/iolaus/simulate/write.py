"""The files of a range: exchanges and accounts in the contract's form, with their truth."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.schema import ACCOUNTS, EXCHANGES, TRUTH_ACCOUNTS, TRUTH_EXCHANGES
from iolaus.simulate.render import Columns, Renderer
from iolaus.simulate.rhythm import DAY

__all__ = ["CHUNK", "write_accounts", "write_exchanges"]

CHUNK: Final = 50_000


def write_exchanges(
    renderer: Renderer, rows: Columns, operators: list[str], folder: Path, progress: Callable[[int], None]
) -> None:
    """Write exchanges.parquet and truth_exchanges.parquet, a row group a chunk.

    Args:
        renderer: writes the rows' texts.
        rows: the plan's columns in time order, shape (n,) each.
        operators: ids of the operators by number.
        folder: where the files go.
        progress: told how many rows are written.
    """
    n = len(rows["instant"])
    last = np.zeros(n, dtype=np.bool_)
    _, index = np.unique(rows["thread"][::-1], return_index=True)
    last[n - 1 - index] = True
    number = np.array([a.operator for a in renderer.accounts])
    names = pa.array([*operators, None], pa.string())
    with (
        pq.ParquetWriter(folder / "exchanges.parquet", EXCHANGES, compression="zstd") as exchanges,
        pq.ParquetWriter(folder / "truth_exchanges.parquet", TRUTH_EXCHANGES, compression="zstd") as truth,
    ):
        for begin in range(0, n, CHUNK):
            part = {name: values[begin : begin + CHUNK] for name, values in rows.items()}
            digits = renderer.rng.bytes(10 * len(part["instant"])).hex()
            ids = [f"ex_{digits[i : i + 20]}" for i in range(0, len(digits), 20)]
            exchanges.write_table(renderer.table(part, ids, last[begin : begin + CHUNK]))
            owner = number[part["account"]]
            labels = {
                "exchange_id": ids,
                "operator_id": names.take(pa.array(np.where(owner < 0, len(operators), owner))),
                "harvested": part["harvested"],
            }
            truth.write_table(pa.table(labels, schema=TRUTH_EXCHANGES))
            progress(begin + len(ids))


def write_accounts(renderer: Renderer, operators: list[str], folder: Path) -> None:
    """Write accounts.parquet and truth_accounts.parquet, ordered by the (random) account id."""
    accounts = sorted(renderer.accounts, key=lambda a: a.account_id)
    ips = renderer.world.ips
    cells: dict[str, list[Any]] = {
        "account_id": [a.account_id for a in accounts],
        "created_at": [renderer.start + int(a.created * DAY) for a in accounts],
        "closed_at": [None if a.closed is None else renderer.start + int(a.closed * DAY) for a in accounts],
        "org_id": [a.org for a in accounts],
        "plan": [a.plan for a in accounts],
        "country": [a.country for a in accounts],
        "referrer": [a.referrer for a in accounts],
        "email_domain": [a.email for a in accounts],
        "signup_ip": [None if a.signup_ip is None else ips[a.signup_ip][0] for a in accounts],
        "payment_fingerprint": [a.payment for a in accounts],
    }
    arrays = [
        pa.array(cells[f.name], pa.int64()).cast(f.type)
        if pa.types.is_timestamp(f.type)
        else pa.array(cells[f.name], f.type)
        for f in ACCOUNTS
    ]
    pq.write_table(pa.Table.from_arrays(arrays, schema=ACCOUNTS), folder / "accounts.parquet", compression="zstd")
    labels = {
        "account_id": cells["account_id"],
        "operator_id": [None if a.operator < 0 else operators[a.operator] for a in accounts],
        "kind": [a.kind for a in accounts],
    }
    truth = pa.table(labels, schema=TRUTH_ACCOUNTS)
    pq.write_table(truth, folder / "truth_accounts.parquet", compression="zstd")
