"""The files of a range: exchanges and accounts in the contract's form, with their truth."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.schema import ACCOUNTS, EXCHANGES, TRUTH_ACCOUNTS, TRUTH_EXCHANGES
from iolaus.simulate.crew import batches
from iolaus.simulate.people import Account
from iolaus.simulate.render import Columns, Renderer
from iolaus.simulate.rhythm import DAY

__all__ = ["account_tables", "write_exchanges"]

# Columns with so many values that a dictionary of them only costs time.
_PLAIN: Final = ("exchange_id", "timestamp", "prompt", "response", "history_digest", "conversation_id")


def write_exchanges(
    renderer: Renderer, rows: Columns, operators: list[str], folder: Path, workers: int, progress: Callable[[int], None]
) -> None:
    """Write exchanges.parquet and truth_exchanges.parquet, a row group a chunk.

    Args:
        renderer: writes the rows' texts.
        rows: the plan's columns in time order, shape (n,) each; see ``batches``.
        operators: ids of the operators by number.
        folder: where the files go.
        workers: how many programs write texts.
        progress: told how many rows are written.
    """
    names = pa.array([*operators, None], pa.string())
    number = renderer.directory.operator
    encoded = [name for name in EXCHANGES.names if name not in _PLAIN]
    plan = folder / "plan"
    plan.mkdir()
    done = 0
    with (
        pq.ParquetWriter(
            folder / "exchanges.parquet", EXCHANGES, compression="zstd", use_dictionary=encoded
        ) as exchanges,
        pq.ParquetWriter(
            folder / "truth_exchanges.parquet", TRUTH_EXCHANGES, compression="zstd", use_dictionary=["operator_id"]
        ) as truth,
    ):
        for part, batch in batches(renderer, rows, plan, workers):
            exchanges.write_batch(batch)
            owner = number[part["account"]]
            labels = [
                batch.column("exchange_id"),
                names.take(pa.array(np.where(owner < 0, len(operators), owner))),
                pa.array(part["harvested"]),
            ]
            truth.write_batch(pa.RecordBatch.from_arrays(labels, schema=TRUTH_EXCHANGES))
            done += batch.num_rows
            progress(done)


def account_tables(
    accounts: list[Account], ips: list[tuple[str, int, str]], operators: list[str], start: int
) -> dict[str, pa.Table]:
    """The tables ``accounts`` and ``truth_accounts``, ordered by the (random) account id.

    Args:
        accounts: all accounts.
        ips: the world's addresses.
        operators: ids of the operators by number.
        start: the log's first instant, µs since 1970.
    """
    accounts = sorted(accounts, key=lambda a: a.account_id)
    cells: dict[str, list[Any]] = {
        "account_id": [a.account_id for a in accounts],
        "created_at": [start + int(a.created * DAY) for a in accounts],
        "closed_at": [None if a.closed is None else start + int(a.closed * DAY) for a in accounts],
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
    labels = {
        "account_id": cells["account_id"],
        "operator_id": [None if a.operator < 0 else operators[a.operator] for a in accounts],
        "kind": [a.kind for a in accounts],
    }
    return {
        "accounts": pa.Table.from_arrays(arrays, schema=ACCOUNTS),
        "truth_accounts": pa.table(labels, schema=TRUTH_ACCOUNTS),
    }
