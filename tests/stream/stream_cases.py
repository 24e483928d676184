"""Small logs, streams over them, and how two streams are compared."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.ingest import Rejects, read_accounts
from iolaus.schema import ACCOUNTS, EXCHANGES
from iolaus.signals import DAY, HOUR
from iolaus.stream import Stream, StreamSettings

BEGIN = 1_772_409_600_000_000  # 2026-03-02, UTC


def exchanges(rows):
    """Rows as dictionaries, with what is left out null; timestamps in microseconds."""
    table = {name: [row.get(name) for row in rows] for name in EXCHANGES.names}
    table["timestamp"] = pa.array(table["timestamp"], pa.int64()).cast(EXCHANGES.field("timestamp").type)
    return pa.record_batch([pa.array(table[f.name], f.type) for f in EXCHANGES], schema=EXCHANGES)


def made_up(n, accounts=6, seed=0, conversations=True):
    """Some accounts that ask this and that over two days."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.integers(BEGIN, BEGIN + 2 * DAY, n))
    rows = []
    for i in range(n):
        who = int(rng.integers(accounts)) if rng.random() < 0.6 else 0
        rows.append(
            {
                "exchange_id": f"e{i:05d}",
                "timestamp": int(at[i]),
                "account_id": f"a{who}",
                "prompt": f"please say {' '.join(map(str, rng.integers(0, 50, 8)))} again",
                "response": "so be it",
                "conversation_id": f"c{who}-{rng.integers(40)}" if conversations and who % 2 else None,
                "turn": int(rng.integers(1, 3)),
                "ip": f"10.0.0.{who}",
                "temperature": 0.7 if who else None,
            }
        )
    return rows


def unjudged(**fields):
    """A stream that judges only when asked."""
    return Stream(StreamSettings(every=0, **fields))


def contents(stream):
    """What the window holds, as a judgement sees it."""
    stream._settle()
    view = stream.window.view(stream.people, ACCOUNTS.empty_table())
    log = view.observed.log
    arrays = {f.name: getattr(log, f.name) for f in dataclasses.fields(log)}
    arrays = {name: value for name, value in arrays.items() if isinstance(value, np.ndarray)}
    arrays |= {f"codes/{name}": value for name, value in log.codes.items()}
    arrays |= {f"numbers/{name}": value for name, value in log.numbers.items()}
    texts = view.texts.of(np.arange(log.exchanges))
    return arrays, view.observed.exchange_ids.to_pylist(), view.observed.account_ids.to_pylist(), texts


def same(left, right):
    arrays, *rest = left
    others, *more = right
    return (
        arrays.keys() == others.keys()
        and all(np.array_equal(arrays[name], others[name]) for name in arrays)
        and rest == more
    )


def over(folder, **fields):
    """A stream with a range's own account table."""
    table = folder / "accounts.parquet"
    stream = Stream(StreamSettings(**fields))
    stream.accounts = lambda at: read_accounts(table, Rejects("/dev/null"), until=at)
    return stream


def batches(folder, size=700):
    table = pq.read_table(folder / "exchanges.parquet").cast(EXCHANGES).combine_chunks()
    return [table.slice(start, size).to_batches()[0] for start in range(0, table.num_rows, size)]


def found(stream):
    """The findings in full."""
    findings = stream.findings
    return json.dumps(findings.detection.to_json()), findings.accounts.to_pylist(), findings.exchanges.to_pylist()


def write_lines(path: Path, rows, end="\n", mode="a"):
    with path.open(mode) as file:
        for row in rows:
            file.write(json.dumps(row) + end)


__all__ = [
    "BEGIN", "DAY", "HOUR", "batches", "contents", "exchanges", "found", "made_up", "over", "same", "unjudged",
    "write_lines",
]  # fmt: skip
