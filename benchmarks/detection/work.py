"""Running what is missing: a range is made, every method that lacks a cell runs on it, and the range is removed."""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from benchmarks.detection.answers import Answer, to_json
from benchmarks.detection.cells import Cells, Place
from benchmarks.detection.methods import run
from benchmarks.detection.ranges import make_range, truth_of

__all__ = ["Unit", "run_units"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One range and the methods to run on it."""

    place: Place
    methods: tuple[str, ...]
    exchanges: int
    folder: Path


def run_units(units: list[Unit], workers: int, limit_s: float = float("inf")) -> None:
    """Run the units' missing cells in worker processes; what is there already is not run again.

    Args:
        units: in the order in which they are to be run.
        workers: processes side by side.
        limit_s: seconds after which no further unit is begun.
    """
    wanted = [u for u in units if any(_missing(u, _cells(u)))]
    started = time.monotonic()
    # Each worker does one thing at a time; threads of its libraries would only crowd the cores.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    with ThreadPoolExecutor(workers) as pool:
        waiting = {pool.submit(_in_process, unit, started + limit_s): unit for unit in wanted}
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                if future.result():
                    place, took = waiting[future].place, time.monotonic() - started
                    print(f"{done}/{len(wanted)} {place.scenario} {place.seed}, {took:.0f} s", file=sys.stderr)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _in_process(unit: Unit, latest: float) -> bool:
    """Run a unit in a process of its own, which gives all its memory back; False where it is too late to begin.

    Raises:
        RuntimeError: where the process failed; it has said why.
    """
    if time.monotonic() > latest:
        return False
    process = get_context("spawn").Process(target=run_unit, args=(unit,), daemon=True)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{unit.place.scenario} {unit.place.seed} ended with status {process.exitcode}")
    return True


def run_unit(unit: Unit) -> None:
    """Make the range, run what is missing, keep every answer as soon as it is there, remove the range."""
    cells = _cells(unit)
    missing = list(_missing(unit, cells))
    with TemporaryDirectory(prefix="iolaus-range-") as name:
        folder = Path(name)
        make_range(unit.place.scenario, unit.place.seed, unit.exchanges, folder)
        truth = truth_of(folder)
        cells.keep(unit.place, "truth", truth)
        place = {a: i for i, a in enumerate(truth["ids"])}
        for method in missing:
            cpu, wall = time.process_time(), time.monotonic()
            answer = run(method, folder)
            cpu, wall = time.process_time() - cpu, time.monotonic() - wall
            content = {"groups": to_json(answer.groups, place), "attributed": _attributed(answer, folder, place)}
            cells.keep(unit.place, method, content | {"cpu_s": round(cpu, 2), "wall_s": round(wall, 2)})


def _cells(unit: Unit) -> Cells:
    return Cells.of(unit.folder, unit.exchanges, list(unit.methods))


def _missing(unit: Unit, cells: Cells) -> Iterator[str]:
    known = cells.truth(unit.place) is not None
    return (m for m in unit.methods if not known or cells.answer(unit.place, m) is None)


def _attributed(answer: Answer, folder: Path, place: dict[str, int]) -> list[list[int]] | None:
    """Attributed exchanges by account: [account's number, harvested ones, others]; None where whole accounts count."""
    if answer.attributed is None:
        return None
    log = pq.read_table(folder / "exchanges.parquet", columns=["exchange_id", "account_id"])
    owner = dict(zip(*(log.column(c).to_pylist() for c in ("exchange_id", "account_id")), strict=True))
    truth = pq.read_table(folder / "truth_exchanges.parquet")
    taken = {
        e for e, yes in zip(*(truth.column(c).to_pylist() for c in ("exchange_id", "harvested")), strict=True) if yes
    }
    counts = Counter((place[owner[e]], e in taken) for e in answer.attributed if e in owner)
    return [[a, counts[a, True], counts[a, False]] for a in sorted({a for a, _ in counts})]
