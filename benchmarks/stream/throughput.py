"""Taking exchanges in: how many a second on one core, and whether memory stays under its setting.

Events are made cheaply: the rows of one simulated log again and again, each time with later times, new exchange ids and
conversation ids, and, by turns, other accounts, so that accounts come and go. ``--millions N`` sets how many.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import pyarrow as pa  # noqa: E402 (after the number of threads is set)
import pyarrow.compute as pc  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from benchmarks import record  # noqa: E402
from iolaus.ingest import Rejects  # noqa: E402
from iolaus.ingest.conform import EXCHANGE_TABLE, conform  # noqa: E402
from iolaus.ingest.jsonl import BlockParser  # noqa: E402
from iolaus.schema import EXCHANGES  # noqa: E402
from iolaus.stream import Stream, StreamSettings  # noqa: E402

RESULTS = Path(__file__).parent / "results"
_BATCH = 8_192
_DAYS = 4
_HOUR = 3_600_000_000


def events(path: Path, number: int) -> Iterator[pa.RecordBatch]:
    """So many exchanges: a log's rows over and over, days later and under other names each time, read from its file."""
    made = turn = 0
    while made < number:
        later = pa.scalar(turn * _DAYS * 24 * _HOUR, pa.duration("us"))
        for batch in pq.ParquetFile(path).iter_batches(_BATCH):
            table = pa.Table.from_batches([batch]).cast(EXCHANGES)
            table = _with(table, "timestamp", pc.add(table["timestamp"], later))
            for name in ("exchange_id", "conversation_id", "account_id", "api_key_id"):
                # Two thirds of the people stay for three turns.
                mark = f"{turn}" if name in ("exchange_id", "conversation_id") else f"{turn // 3}"
                table = _with(table, name, pc.binary_join_element_wise(table[name], mark, "~"))
            yield table.combine_chunks().to_batches()[0]
            made += batch.num_rows
            if made >= number:
                return
        turn += 1


def _with(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, EXCHANGES.field(name), column.cast(EXCHANGES.field(name).type))


class Peak:
    """The largest resident memory seen while it watches, in bytes."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._stop.wait(0.02):
            self.bytes = max(self.bytes, int(Path("/proc/self/statm").read_text().split()[1]) * page)


def lines(log: pa.Table, rows: int) -> bytes:
    """The log's first rows as JSON Lines."""
    stamp = pc.strftime(log["timestamp"], format="%Y-%m-%dT%H:%M:%SZ")
    table = log.set_column(log.schema.get_field_index("timestamp"), "timestamp", stamp).slice(0, rows)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist()).encode()


def from_json(log: pa.Table) -> dict[str, float]:
    """Seconds of CPU for a million exchanges from JSON Lines to the contract's batches."""
    block, parser, rejects = lines(log, 40_000), BlockParser(EXCHANGES), Rejects(os.devnull)
    list(parser.parse(block[: block.index(b"\n", 100_000) + 1], 1))
    started, rows = time.process_time(), 0
    for chunk in parser.parse(block, 1):
        rows += conform(chunk, EXCHANGE_TABLE, "log", rejects, None)[0].num_rows
    spent = time.process_time() - started
    return {"rows": rows, "bytes_a_row": round(len(block) / rows), "rows_a_second": round(rows / spent)}


class _Timed(Stream):
    """A stream that knows how long its judgements took, in seconds of CPU."""

    judging = 0.0

    def judge(self) -> None:
        """As ever."""
        started = time.process_time()
        super().judge()
        self.judging += time.process_time() - started


def run(log: Path, number: int, settings: StreamSettings) -> dict[str, Any]:
    """Take the events in; time spent in judgements is counted by itself."""
    stream = _Timed(settings)
    taking = 0.0
    with Peak() as peak:
        for batch in events(log, number):
            started = time.process_time()
            stream.take(batch)
            taking += time.process_time() - started
    taking -= stream.judging
    counts = stream.window.counts
    return {
        "exchanges": counts.read,
        "taking_cpu_s": round(taking, 2),
        "exchanges_a_second": round(counts.read / taking),
        "judgements": stream.judged,
        "judging_cpu_s": round(stream.judging, 2),
        "judging_cpu_s_each": round(stream.judging / max(stream.judged, 1), 2),
        "exchanges_a_second_judging_included": round(counts.read / (taking + stream.judging)),
        "memory_setting_mib": settings.memory >> 20,
        "peak_memory_mib": peak.bytes >> 20,
        "peak_memory_ever_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "window_exchanges": stream.window.rows,
        "window_slices": len(stream.window.slices),
        "thinned": counts.thinned,
        "slices_dropped": counts.dropped,
        "accounts": len(stream.people.ids),
    }


def main() -> None:
    """Measure and write results/throughput.json."""
    parser = argparse.ArgumentParser(prog="benchmarks.stream.throughput", description=__doc__)
    parser.add_argument("--millions", type=float, default=1.0)
    parser.add_argument("--memory-mib", type=int, default=1024)
    parser.add_argument("--rows", type=int, default=60_000, help="rows of the log that is repeated")
    parser.add_argument("--judge-every", type=int, default=500_000, help="exchanges between two judgements")
    parser.add_argument("--name", default="throughput")
    wanted = parser.parse_args()
    data = Path(__file__).parents[2].parent / "shared" / "data"
    texts = {name: data / f"{file}.parquet" for name, file in (("text", "campaign_text"), ("organic", "organic_text"))}
    real = all(path.exists() for path in texts.values())
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own, so that its memory is not counted.
        made = f"from iolaus.simulate import simulate; from pathlib import Path; simulate('ladder', Path({folder!r}), "
        given = "".join(f", {name}=Path({str(path)!r})" for name, path in texts.items()) if real else ""
        subprocess.run(
            [sys.executable, "-c", f"{made}seed=3, exchanges={wanted.rows}, days={_DAYS}{given})"], check=True
        )
        log = Path(folder) / "exchanges.parquet"
        settings = StreamSettings(memory=wanted.memory_mib << 20, every=0, every_rows=wanted.judge_every)
        # Once beforehand, so that compiling is not counted.
        run(log, 20_000, StreamSettings(every=0))
        first = next(pq.ParquetFile(log).iter_batches(40_000))
        result = {
            "real_texts": real,
            "prompt_bytes_mean": round(pc.mean(pc.binary_length(first["prompt"])).as_py()),
            "response_bytes_mean": round(pc.mean(pc.binary_length(first["response"])).as_py() or 0),
            "from_json_lines": from_json(pa.Table.from_batches([first]).cast(EXCHANGES)),
            "stream": run(log, int(wanted.millions * 1e6), settings),
        }
    print(json.dumps(result, indent=2))
    print(record.write(wanted.name, result, RESULTS))


if __name__ == "__main__":
    main()
