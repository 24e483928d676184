"""The ladder over real text: recall by level, false discoveries, and every hard negative, over three seeds.

Needs the real texts beside the checkout (``../shared/data``); they are for evaluation only and are not part of the
project.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import record
from iolaus.detect import detect
from iolaus.score import score
from iolaus.simulate import simulate

_DATA = Path(__file__).parents[2] / "shared" / "data"
# Seeds on which nothing was looked at while the detector was built.
_SEEDS = (67, 68, 69)
_ROWS = 100_000


def one(scenario: str, seed: int, folder: Path) -> dict[str, Any]:
    """Simulate, detect and score one range over real text."""
    simulate(
        scenario,
        folder / "range",
        seed=seed,
        exchanges=_ROWS,
        text=_DATA / "campaign_text.parquet",
        organic=_DATA / "organic_text.parquet",
        arrivals=_DATA / "traffic_clients" / "servegen_windows.parquet",
    )
    book = detect(folder / "range" / "exchanges.parquet", folder / "range" / "accounts.parquet", folder / "found")
    verdicts = [c.verdict for c in book.detection.campaigns]
    return {"seed": seed, "verdicts": verdicts, "score": score(folder / "found", folder / "range").to_json()}


def main() -> None:
    """Run the ladder and the benign range on every seed."""
    if not _DATA.is_dir():
        sys.exit(f"the real texts are not there: {_DATA}")
    runs: dict[str, list[dict[str, Any]]] = {"ladder": [], "benign": []}
    for scenario, results in runs.items():
        for seed in _SEEDS:
            with TemporaryDirectory() as folder:
                results.append(one(scenario, seed, Path(folder)))
                print(scenario, seed, json.dumps(results[-1]["score"])[:400])
    print(record.write("ladder", {"rows": _ROWS, **runs}))


if __name__ == "__main__":
    main()
