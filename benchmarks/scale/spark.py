"""What Spark shuffles and what the driver holds as a log grows: 100,000, 400,000 and a million exchanges.

A log this small lets Spark send its tables to every executor whole; one of a billion rows does not. So Spark runs
twice: as it would by itself, and (``spark_shuffling``) with only tables below 64 KiB sent whole, so that all that grows
with the log is shuffled as it would be there.

The bytes are Spark's own, of its event log, by the step that each job was for. The driver's are those of the arrays of
the log that clustering reads, and the peak of the driver's Python process while it was filled. Both engines fill the
same log; their time and CPU stand beside each other. ``--rows`` takes other sizes.
"""

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record

_ROWS = (100_000, 400_000, 1_000_000)
_MASTER = "local[2]"
_HEAP = 2 << 30
_ENGINES = ("duckdb", "spark", "spark_shuffling")
_RESULTS = Path(__file__).parent / "results"


def observe(engine: str, log: Path, work: Path) -> dict[str, Any]:
    """Fill the log on one engine, in this process, and say what it took."""
    from iolaus.detect.engines import open_engine
    from iolaus.detect.observe import observe as observe_here
    from iolaus.detect.spread import observe_spread
    from iolaus.ingest import Rejects, read_accounts, read_exchanges
    from iolaus.store.spark import SparkEngine, spark_session

    rejects = Rejects(work / "rejects.jsonl")
    people = read_accounts(log / "accounts.parquet", rejects)
    source = log / "exchanges.parquet"
    started = time.monotonic()
    if engine == "duckdb":
        with open_engine(None, work, 1 << 30, False) as duck:
            observed = observe_here(duck, iter(read_exchanges(source, rejects)), people)
    else:
        events = work / "events"
        events.mkdir()
        options = {
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": f"file://{events}",
            "spark.eventLog.rolling.enabled": "false",
            "spark.eventLog.compress": "false",
        }
        if engine == "spark_shuffling":
            options["spark.sql.autoBroadcastJoinThreshold"] = "65536"
        with (
            spark_session(_MASTER, work / "spark.log", memory_bytes=_HEAP, options=options) as session,
            SparkEngine(session, work / "tables") as spark,
        ):
            observed, _ = observe_spread(spark, str(source), people, rejects, None)
            kept = sum(path.stat().st_size for path in (work / "tables").rglob("*.parquet"))
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    result = {
        "wall_s": round(time.monotonic() - started, 1),
        "cpu_s": round(sum(used.ru_utime + used.ru_stime for used in (own, others)), 1),
        "driver_python_peak_bytes": own.ru_maxrss * 1024,
        "log_bytes": _bytes_of(observed.log),
        "id_bytes": observed.exchange_ids.nbytes,
    }
    if engine != "duckdb":
        result |= {"scratch_bytes": kept, "steps": _steps(next(events.iterdir()))}
    return result


def _bytes_of(log: object) -> int:
    total = 0
    for field in dataclasses.fields(log):  # type: ignore[arg-type]
        value = getattr(log, field.name)
        arrays = value.values() if isinstance(value, dict) else [value]
        total += sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
    return total


def _steps(events: Path) -> dict[str, dict[str, int]]:
    """By step: bytes shuffled, spilled, written to tables and sent to the driver; milliseconds of executors' CPU."""
    named: dict[tuple[int, int], str] = {}
    steps: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in events.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["Event"] == "SparkListenerStageSubmitted":
            stage = event["Stage Info"]
            name = event.get("Properties", {}).get("spark.job.description", "other")
            named[stage["Stage ID"], stage["Stage Attempt ID"]] = name
        elif event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
            metrics = event["Task Metrics"]
            step = steps[named[event["Stage ID"], event["Stage Attempt ID"]]]
            step["shuffled"] += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
            step["spilled"] += metrics["Disk Bytes Spilled"]
            step["written"] += metrics["Output Metrics"]["Bytes Written"]
            step["collected"] += metrics["Result Size"]
            step["executor_cpu_ms"] += metrics["Executor CPU Time"] // 1_000_000
    return {name: dict(step) for name, step in sorted(steps.items())}


def measure(rows: int) -> dict[str, Any]:
    """Simulate, and fill the log on both engines, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "range"
        made = [sys.executable, "-m", "iolaus.cli", "simulate", "ladder", "--out", str(log), "--quiet"]
        subprocess.run([*made, "--exchanges", str(rows), "--seed", "1"], check=True)
        result: dict[str, Any] = {"rows": rows, "file_bytes": (log / "exchanges.parquet").stat().st_size}
        for engine in _ENGINES:
            work = Path(folder) / engine
            work.mkdir()
            command = [sys.executable, "-m", "benchmarks.scale.spark", "--one", engine, str(log), str(work)]
            ran = subprocess.run(command, check=False, capture_output=True, text=True)
            if ran.returncode:
                raise SystemExit(ran.stderr)
            result[engine] = json.loads(ran.stdout.splitlines()[-1])
        for engine in _ENGINES[1:]:
            shuffled = sum(step["shuffled"] for step in result[engine]["steps"].values())
            result[engine]["shuffled_bytes_per_row"] = round(shuffled / rows, 1)
        result["log_bytes_per_row"] = round((result["spark"]["log_bytes"] + result["spark"]["id_bytes"]) / rows, 1)
    return result


def main() -> None:
    """Measure each size and write down the growth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=_ROWS)
    parser.add_argument("--one", nargs=3, metavar=("ENGINE", "LOG", "WORK"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        engine, log, work = options.one
        print(json.dumps(observe(engine, Path(log), Path(work))))
        return
    sizes = []
    for rows in options.rows:
        sizes.append(measure(rows))
        print(json.dumps(sizes[-1]), flush=True)
        result = {
            "master": _MASTER,
            "heap_bytes": _HEAP,
            "pyspark": version("pyspark"),
            "threads": os.environ.get("NUMBA_NUM_THREADS", "all"),
            "sizes": sizes,
        }
        path = record.write("spark", result, _RESULTS)
    print(path)


if __name__ == "__main__":
    main()
