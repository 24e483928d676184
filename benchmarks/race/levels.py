"""Races at L2, L3 and L5, one seed or more: what leaks, how soon new heads are found, whom it hurts."""

import argparse
import json
import os
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

from benchmarks import record  # noqa: E402 (after the number of threads is set)
from iolaus.race import Habits, race  # noqa: E402
from iolaus.race.picture import write_picture  # noqa: E402
from iolaus.signals import HOUR  # noqa: E402
from iolaus.stream import StreamSettings  # noqa: E402

RESULTS = Path(__file__).parent / "results"
# L5 gives up its whole pool after five heads, and its wording with the second pool.
_HABITS = {5: Habits(pool_after=5, rewords_after=2)}


def main() -> None:
    """Measure and write results/levels.json and results/levels.html."""
    parser = argparse.ArgumentParser(prog="benchmarks.race.levels", description=__doc__)
    parser.add_argument("--levels", type=int, nargs="+", default=[2, 3, 5])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--exchanges", type=int, default=12_000)
    parser.add_argument("--every", type=int, default=12, help="hours between two judgements")
    wanted = parser.parse_args()
    races, told = [], []
    for level in wanted.levels:
        for seed in wanted.seeds:
            started = time.process_time()
            result = race(
                level,
                seed=seed,
                exchanges=wanted.exchanges,
                habits=_HABITS.get(level),
                settings=StreamSettings(every=wanted.every * HOUR),
            )
            spent = round(time.process_time() - started, 1)
            document = result.to_json() | {"seed": seed, "cpu_s": spent}
            document["series"] = document["series"][::12]
            races.append(result)
            told.append(document)
            print(json.dumps({k: v for k, v in document.items() if k != "series"}), flush=True)
    result_all = {"exchanges": wanted.exchanges, "judged_every_h": wanted.every, "races": told}
    path = record.write("levels", result_all, RESULTS)
    write_picture(races, RESULTS / "levels.html")
    print(path)


if __name__ == "__main__":
    main()
