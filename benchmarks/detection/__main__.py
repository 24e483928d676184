"""``python -m benchmarks detection``: run what is missing of the grid, then write results, table and picture."""

import argparse
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from benchmarks import record
from benchmarks.detection.cells import Cells, Place
from benchmarks.detection.methods import ABLATIONS, BARE, METHODS, OURS, PACKAGES, PEERS, lacking
from benchmarks.detection.picture import draw
from benchmarks.detection.publish import publish
from benchmarks.detection.ranges import REAL_TEXT
from benchmarks.detection.scenarios import TUNED_ON, scenarios
from benchmarks.detection.summary import Results, summarise
from benchmarks.detection.tables import markdown
from benchmarks.detection.work import Unit, run_units

# Nothing was looked at on these while the detector and the peers were built.
_TEST: Final = 1001
_TUNING: Final = 5001
_PICTURE: Final = "recall-by-dilution.png"


def main() -> None:
    """Parse the options, run, and write."""
    options = _options()
    methods = _chosen(options.methods, METHODS, "method")
    names = _chosen(options.scenarios, scenarios(), "scenario")
    if missing := lacking(methods):
        sys.exit(f"{', '.join(missing)} must be installed: pip install 'iolaus[bench]'")
    test = range(_TEST, _TEST + options.seeds)
    tuning = range(_TUNING, _TUNING + options.tuning)
    if not options.report_only:
        run_units(_units(options, methods, names, test, tuning), options.workers, options.minutes * 60)
    cells = Cells.of(options.out / "cells", options.exchanges, list(METHODS))
    results = summarise(cells, names, test, tuning)
    if cells.stale:
        print(f"{len(cells.stale)} answers are left out: the code they rest on has changed since", file=sys.stderr)
    _write(options, results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks detection", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="test seeds")
    parser.add_argument("--tuning", type=int, default=5, help="seeds of their own for the peers' thresholds")
    parser.add_argument("--ablation-seeds", type=int, default=5, help="test seeds on which signals are taken away")
    parser.add_argument("--exchanges", type=int, default=100_000, help="rows of each range")
    parser.add_argument("--methods", help=f"comma-separated, of {', '.join(METHODS)}; all by default")
    parser.add_argument("--scenarios", help=f"comma-separated, of {', '.join(scenarios())}; all by default")
    parser.add_argument("--out", type=Path, default=Path("build") / "detection", help="folder of cells and results")
    parser.add_argument("--workers", type=int, default=2, help="processes side by side")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no further range after so long")
    parser.add_argument("--report-only", action="store_true", help="run nothing; write what the cells hold")
    parser.add_argument("--publish", action="store_true", help="also put the results into the repository")
    return parser.parse_args()


def _chosen(given: str | None, known: dict[str, Any], what: str) -> list[str]:
    names = list(known) if given is None else given.split(",")
    for name in names:
        if name not in known:
            sys.exit(f"no {what} is called {name!r}; there are {', '.join(known)}")
    return names


def _units(options: argparse.Namespace, methods: list[str], names: list[str], test: range, tuning: range) -> list[Unit]:
    """The tuning seeds first, then one test seed after another, so that a run cut short has whole seeds."""
    peers = tuple(m for m in methods if m in PEERS)
    tuned = dict.fromkeys(TUNED_ON.get(name, name) for name in names) if peers else {}
    places = [(Place(name, seed), peers) for seed in tuning for name in tuned]
    for seed in test:
        ablated = seed < test.start + options.ablation_seeds
        for name in names:
            extra = [BARE, *(ABLATIONS if ablated else ())] if name == "ladder" else []
            places.append((Place(name, seed), tuple(m for m in methods if m in (*peers, OURS, *extra))))
    return [Unit(place, wanted, options.exchanges, options.out / "cells") for place, wanted in places if wanted]


def _write(options: argparse.Namespace, results: Results) -> None:
    texts = "real text" if REAL_TEXT else "the project's own grammars"
    seeds = {name: max((len(by) for by in methods.values()), default=0) for name, methods in results.outcomes.items()}
    setting = (
        f"Ranges of {options.exchanges:,} exchanges over {texts}. Test seeds: "
        f"{', '.join(f'{name} {n}' for name, n in seeds.items()) or 'none'}; tuning seeds {options.tuning}. "
        "Means over seeds, ± half of the 95% interval (Student's t)."
    )
    table = markdown(results, setting)
    versions = {p: version(p) for p in PACKAGES if find_spec(p)}
    document = {
        "peers": versions,
        "exchanges": options.exchanges,
        "tuning_seeds": options.tuning,
        "real_text": REAL_TEXT,
        **results.to_json(),
    }
    print(record.write("detection", document, options.out))
    (options.out / "tables.md").write_text(table, encoding="utf-8")
    drawn = draw(results, options.out / _PICTURE)
    print(table)
    if options.publish:
        for path in publish(document, table, options.out / _PICTURE if drawn else None):
            print(path)


if __name__ == "__main__":
    main()
