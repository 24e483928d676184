"""Detection of a million exchanges: wall clock, CPU and peak memory, against scanning every byte of the same file.

Beside it the start of the program: what ``iolaus --help`` takes of CPU.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import record

_ROWS = 1_000_000
_STARTS = 5
_FLOOR = """
import sys, duckdb
con = duckdb.connect()
con.sql("SELECT " + ", ".join(
    f"sum(length(CAST({c} AS VARCHAR)))" for c in con.sql(f"SELECT * FROM '{sys.argv[1]}' LIMIT 0").columns
) + f" FROM '{sys.argv[1]}'").fetchall()
"""


def timed(command: list[str]) -> dict[str, Any]:
    """Run a command as a whole process: seconds of wall clock and CPU, peak memory in GiB."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    if status:
        raise SystemExit(f"{command[0]} ended with status {status}")
    return {
        "wall_s": round(wall, 2),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_gib": round(usage.ru_maxrss / 2**20, 2),
    }


def scan(log: Path) -> dict[str, Any]:
    """The floor: DuckDB reads every byte of a Parquet file, as a whole process."""
    return timed([sys.executable, "-c", _FLOOR, str(log)])


def main() -> None:
    """Simulate once, then time the floor and the detection."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "range"
        iolaus = [sys.executable, "-m", "iolaus.cli"]
        made = timed(
            [*iolaus, "simulate", "ladder", "--out", str(log), "--exchanges", str(_ROWS), "--seed", "1", "--quiet"]
        )
        floor = scan(log / "exchanges.parquet")
        found = Path(folder) / "found"
        command = [*iolaus, "detect", str(log / "exchanges.parquet"), "--accounts", str(log / "accounts.parquet")]
        detected = timed([*command, "--out", str(found), "--memory", "1GB", "--quiet"])
        result = {
            "rows": _ROWS,
            "file_bytes": (log / "exchanges.parquet").stat().st_size,
            "simulate": made,
            "scan_floor": floor,
            "detect": detected,
            "detect_cpu_over_floor": round(detected["cpu_s"] / floor["cpu_s"], 1),
            "help_cpu_s": min(timed([*iolaus, "--help"])["cpu_s"] for _ in range(_STARTS)),
            "campaigns": len(json.loads((found / "campaigns.json").read_text())["campaigns"]),
        }
    print(json.dumps(result, indent=2))
    print(record.write("speed", result))


if __name__ == "__main__":
    main()
