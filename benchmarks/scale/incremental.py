"""A log of 28 days to which a day is added: what a run costs that has read the other 27 before, and what kills do.

``python -m benchmarks.scale.incremental`` runs all; ``--only reading``, ``--only kills`` or ``--only days`` one part
and leaves the other figures. Reading is measured for 28 daily files in three formats and for one JSON Lines file that
grows; the whole detection for daily Parquet.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from benchmarks import record
from benchmarks.scale.stages import Meter, Snapshot
from iolaus.detect import Settings, detect
from iolaus.detect.kept import keep
from iolaus.detect.state import opened_state
from iolaus.ingest import Rejects, read_exchanges
from iolaus.report import write_html
from iolaus.schema import EXCHANGES
from iolaus.simulate import simulate

RESULTS = Path(__file__).parent / "results"
_DAYS = 28
_KILLS = 20
_KILLED_ROWS = 12_000


def days_of(path: Path) -> Iterator[tuple[str, pa.Table]]:
    """A log day by day."""
    table = pq.read_table(path).sort_by([("timestamp", "ascending"), ("exchange_id", "ascending")])
    days = pc.strftime(table["timestamp"], format="%Y-%m-%d")
    for day in pc.unique(days).to_pylist():
        yield day, table.filter(pc.equal(days, day))


def json_lines(table: pa.Table) -> bytes:
    """The rows as a gateway would log them, without nulls."""
    texts = table.set_column(
        table.schema.get_field_index("timestamp"),
        "timestamp",
        pc.strftime(table["timestamp"], format="%Y-%m-%dT%H:%M:%SZ"),
    )
    rows = ({name: value for name, value in row.items() if value is not None} for row in texts.to_pylist())
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def write_csv(table: pa.Table, path: Path) -> None:
    """The rows as CSV."""
    pc_csv.write_csv(table, path)


WRITERS: dict[str, Callable[[pa.Table, Path], object]] = {
    "parquet": lambda table, path: pq.write_table(table, path, compression="zstd"),
    "csv": write_csv,
    "jsonl": lambda table, path: path.write_bytes(json_lines(table)),
}


def used(since: Snapshot) -> dict[str, float]:
    """Seconds of wall clock and CPU, and megabytes read, since an instant."""
    now = Snapshot.now()
    return {
        "wall_s": round(now.wall_s - since.wall_s, 2),
        "cpu_s": round(now.cpu_s - since.cpu_s, 2),
        "read_mb": round((now.read - since.read) / 1e6, 1),
    }


def warm() -> None:
    """Load the compiled sketch, which every run does once."""
    keep(pa.RecordBatch.from_pylist([{"prompt": "a"}], EXCHANGES))


def fresh_reading(log: str) -> dict[str, Any]:
    """Read and sketch a log without a state."""
    warm()
    with tempfile.TemporaryDirectory() as work:
        begun = Snapshot.now()
        rows = sum(keep(batch).rows.num_rows for batch in read_exchanges(log, Rejects(f"{work}/rejects.jsonl")))
        return {"rows": rows, "reading": used(begun)}


def kept_reading(log: str, state: str) -> dict[str, Any]:
    """The same with a state: what is new is read, then all is loaded."""
    warm()
    with tempfile.TemporaryDirectory() as work, opened_state(Path(state), print) as opened:
        assert opened is not None
        begun = Snapshot.now()
        stream = opened.read(log, Rejects(f"{work}/rejects.jsonl"), None, lambda stage, rows: None)
        updated, loading = used(begun), Snapshot.now()
        rows = sum(part.rows.num_rows for part in stream)
        return {"rows": rows, "updating": updated, "loading": used(loading)}


def whole_run(log: str, accounts: str, out: str, state: str | None) -> dict[str, Any]:
    """A whole detection by stage; what is read from the state counts as reading."""
    with Meter() as meter:
        detect(
            log,
            accounts,
            Path(out),
            Settings(memory_bytes=2 * 10**9, state=Path(state) if state else None),
            lambda stage, rows: meter.listen("reading" if stage == "loading" else stage, rows),
            lambda book: {"report.html": lambda path: write_html(book, path)},
        )
    return {"stages": meter.stages()}


def apart(function: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """Call a function of this module in a process of its own."""
    call = f"{function.__name__}(*{list(map(lambda one: one if one is None else str(one), arguments))!r})"
    program = f"import json; from benchmarks.scale.incremental import *; print(json.dumps({call}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def reading(log: Path, work: Path) -> dict[str, Any]:
    """Reading alone: all anew, and a day added to 27 that the state has."""
    out: dict[str, Any] = {}
    for form, write in WRITERS.items():
        folder = work / form
        folder.mkdir()
        for day, table in days_of(log):
            write(table, folder / f"{day}.{form}")
        last = max(folder.iterdir())
        held = last.rename(work / last.name)
        state = work / f"state-{form}"
        first = apart(kept_reading, folder, state)
        held.rename(last)
        out[f"daily {form}"] = {
            "log_mb": round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6, 1),
            "state_mb": round(sum(path.stat().st_size for path in state.rglob("*") if path.is_file()) / 1e6, 1),
            "without a state": apart(fresh_reading, folder),
            "first 27 days": first,
            "a day added": apart(kept_reading, folder, state),
        }
    grows = work / "grows.jsonl"
    *before, last = sorted((work / "jsonl").iterdir())
    grows.write_bytes(b"".join(path.read_bytes() for path in before))
    first = apart(kept_reading, grows, work / "state-grows")
    with grows.open("ab") as file:
        file.write(last.read_bytes())
    out["one growing jsonl"] = {
        "log_mb": round(grows.stat().st_size / 1e6, 1),
        "without a state": apart(fresh_reading, grows),
        "first 27 days": first,
        "a day added": apart(kept_reading, grows, work / "state-grows"),
    }
    return out


def days(range_: Path, work: Path) -> dict[str, Any]:
    """Whole detections over daily Parquet: without a state, and with one that has 27 of the 28 days."""
    folder, state = work / "daily", work / "state"
    folder.mkdir()
    for day, table in days_of(range_ / "exchanges.parquet"):
        WRITERS["parquet"](table, folder / f"{day}.parquet")
    last = max(folder.iterdir())
    held = last.rename(work / last.name)
    apart(kept_reading, folder, state)
    held.rename(last)
    accounts = range_ / "accounts.parquet"
    full = apart(whole_run, folder, accounts, work / "full", None)
    added = apart(whole_run, folder, accounts, work / "added", state)
    same = contents(work / "full") == contents(work / "added")
    total = {name: sum(s["cpu_s"] for s in run["stages"].values()) for name, run in (("full", full), ("added", added))}
    return {
        "full": full,
        "a day added": added,
        "same bytes": same,
        "cpu_s": {name: round(value, 1) for name, value in total.items()},
        "cpu_share": round(total["added"] / total["full"], 3),
        "cpu_share_of_reading": share(full, added, "reading"),
    }


def share(full: dict[str, Any], added: dict[str, Any], stage: str) -> float:
    """CPU of a stage with the state over that without."""
    return round(added["stages"][stage]["cpu_s"] / full["stages"][stage]["cpu_s"], 3)


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a folder of findings."""
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def kills(work: Path, seed: int = 4) -> dict[str, Any]:
    """Runs killed at random moments, each with half of the log in its state; each is run again and compared."""
    simulate("ladder", work / "small", seed=seed, exchanges=_KILLED_ROWS, days=8)
    folder = work / "killed"
    folder.mkdir()
    for place, (day, table) in enumerate(days_of(work / "small" / "exchanges.parquet")):
        form = ("parquet", "csv", "jsonl")[place % 3]
        WRITERS[form](table, folder / f"{day}.{form}")
    later = [path.rename(work / path.name) for path in sorted(folder.iterdir())[4:]]
    apart(kept_reading, folder, work / "half")
    for path in later:
        path.rename(folder / path.name)
    command = [sys.executable, "-m", "iolaus.cli", "detect", str(folder), "--quiet", "--out"]
    began = time.monotonic()
    subprocess.run([*command, str(work / "expected")], check=True)
    length = time.monotonic() - began
    expected, chance, out = contents(work / "expected"), random.Random(seed), work / "out"
    killed = same = old_whole = 0
    for _ in range(_KILLS):
        state = work / "killed-state"
        for path in (state, out):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(work / "half", state)
        shutil.copytree(work / "expected", out)
        child = subprocess.Popen([*command, str(out), "--state", str(state)])
        time.sleep(chance.uniform(0, length))
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
        left = contents(out)
        old_whole += all(left[name] == data for name, data in expected.items())
        subprocess.run([*command, str(out), "--state", str(state)], check=True)
        same += {name: left for name, left in contents(out).items() if not name.startswith(".")} == expected
    return {"kills": _KILLS, "killed": killed, "old_output_whole": old_whole, "rerun_identical": same}


def main() -> None:
    """Run the parts asked for and write them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--seed", type=int, default=28)
    parser.add_argument("--only", choices=("reading", "days", "kills"))
    wanted = parser.parse_args()
    path = RESULTS / "incremental.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if wanted.only != "kills":
            simulate("ladder", work / "range", seed=wanted.seed, exchanges=wanted.rows, days=_DAYS)
            result |= {"rows": wanted.rows, "days": _DAYS, "seed": wanted.seed}
        if wanted.only in (None, "reading"):
            result["reading"] = reading(work / "range" / "exchanges.parquet", work)
        if wanted.only in (None, "days"):
            result["days_whole"] = days(work / "range", work)
        if wanted.only in (None, "kills"):
            result["killed"] = kills(work)
    result["machine"] = record.machine()
    print(json.dumps({name: value for name, value in result.items() if name != "machine"}, indent=2))
    print(record.write("incremental", result, RESULTS))


if __name__ == "__main__":
    main()
