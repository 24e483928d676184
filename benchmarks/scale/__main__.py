"""Simulation and detection at growing sizes, beside the scan floor, and peers on single stages.

``python -m benchmarks.scale --rows 1,4,16`` (in millions). A size that has its result already is not run again, nor
a range made that lies in the folder; ``--again`` runs all. Detection is one process; each of its stages is told.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.scale.growth import growth
from benchmarks.speed import scan, timed

RESULTS = Path(__file__).parent / "results"


def made(folder: Path, rows: int, seed: int, scenario: str) -> dict[str, Any]:
    """Make a range unless it lies there; what making it took is kept with it."""
    took = folder / "took.json"
    if not took.exists():
        command = [sys.executable, "-m", "iolaus.cli", "simulate", scenario, "--out", str(folder), "--quiet"]
        result = timed([*command, "--exchanges", str(rows), "--seed", str(seed)])
        took.write_text(json.dumps(result), encoding="utf-8")
    result = json.loads(took.read_text(encoding="utf-8"))
    return dict(result)


def one(folder: Path, rows: int, wanted: argparse.Namespace) -> dict[str, Any]:
    """Simulate, scan and detect at one size."""
    simulated = made(folder, rows, wanted.seed, wanted.scenario)
    log, accounts = folder / "exchanges.parquet", folder / "accounts.parquet"
    floor = scan(log)
    with tempfile.TemporaryDirectory(dir=wanted.folder) as work:
        stages = Path(work) / "stages.json"
        command = [sys.executable, "-m", "benchmarks.scale.stages", str(log), str(accounts), f"{work}/found"]
        detected = timed([*command, str(wanted.memory_mb * 10**6), str(stages)])
        found = json.loads(stages.read_text(encoding="utf-8"))
    shape = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
    return {
        "rows": rows,
        "scenario": wanted.scenario,
        "seed": wanted.seed,
        "accounts": shape["accounts"],
        "hydra_accounts": shape["kinds"].get("hydra", 0),
        "file_bytes": log.stat().st_size,
        "duckdb_memory_mb": wanted.memory_mb,
        "simulate": simulated,
        "scan_floor": floor,
        "detect": detected,
        "detect_cpu_over_floor": round(detected["cpu_s"] / floor["cpu_s"], 1),
        "campaigns": found["campaigns"],
        "stages": found["stages"],
    }


def parsed() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.scale", description=__doc__)
    parser.add_argument("--rows", default="1,4,16", help="sizes in millions, such as 0.1,1,4")
    parser.add_argument("--scenario", default="scale")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory-mb", type=int, default=4000, help="bound on DuckDB's memory")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "iolaus-scale", help="for ranges")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--keep", action="store_true", help="keep the ranges")
    parser.add_argument("--again", action="store_true", help="run what has its result already too")
    parser.add_argument("--peer-rows", type=int, default=100_000, help="rows of the peers' range, 0 to leave them out")
    return parser.parse_args()


def main() -> None:
    """Run what is missing, then fit growth over every size asked for."""
    wanted = parsed()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    sizes = sorted(round(float(part) * 1e6) for part in wanted.rows.split(","))
    for rows in sizes:
        name = f"rows_{rows}"
        if wanted.again or not (wanted.results / f"{name}.json").exists():
            folder = wanted.folder / f"{wanted.scenario}_{rows}_{wanted.seed}"
            result = one(folder, rows, wanted)
            print(json.dumps(result, indent=2), record.write(name, result, wanted.results), sep="\n")
            if not wanted.keep:
                shutil.rmtree(folder)
    if wanted.peer_rows and (wanted.again or not (wanted.results / "peers.json").exists()):
        # Imported here, because sizes can be measured without the peers installed.
        from benchmarks.scale.peers import compare_peers

        folder = wanted.folder / f"{wanted.scenario}_{wanted.peer_rows}_{wanted.seed}"
        made(folder, wanted.peer_rows, wanted.seed, wanted.scenario)
        print(record.write("peers", compare_peers(folder), wanted.results))
        if not wanted.keep:
            shutil.rmtree(folder)
    results = [json.loads((wanted.results / f"rows_{rows}.json").read_text(encoding="utf-8")) for rows in sizes]
    if len(results) > 1:
        fitted = growth(results)
        print(json.dumps(fitted, indent=2), record.write("growth", fitted, wanted.results), sep="\n")


if __name__ == "__main__":
    main()
