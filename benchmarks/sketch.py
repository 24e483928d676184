"""Sketching prompts from raw strings: CPU microseconds a prompt, against datasketch and rensa, in one run.

Both peers take shingles, so from raw strings they are given those that Python cuts: words of a regular expression,
three in a row. What that cutting takes is told by itself, and what rensa takes on shingles that are cut already.
"""

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasketch import MinHash  # type: ignore[import-untyped]
from rensa import RMinHash

from benchmarks import record
from benchmarks.speed import timed
from iolaus.text import sketch_prompts

_PROMPTS = 100_000
_PEER = 2_000
_BINS = 64


def shingles(text: str) -> list[str]:
    """Three words in a row, as peers are given them."""
    words = re.findall(r"\w+", text.lower())
    return [" ".join(words[i : i + 3]) for i in range(max(len(words) - 2, 1))]


def cost(work: Callable[[], object], prompts: int) -> float:
    """CPU microseconds a prompt, of all threads; the better of three times."""
    times = []
    for _ in range(3):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times) / prompts * 1e6


def datasketch(texts: list[str]) -> None:
    """One sketch a text."""
    for text in texts:
        sketch = MinHash(num_perm=_BINS)
        sketch.update_batch([shingle.encode() for shingle in shingles(text)])


def compare(prompts: pa.Array) -> dict[str, Any]:
    """Sketch prompts with each: CPU microseconds a prompt."""
    nothing = pa.nulls(len(prompts), pa.string())
    sketch_prompts(prompts[:100], nothing[:100])
    ours = cost(lambda: sketch_prompts(prompts, nothing), len(prompts))
    texts = prompts[:_PEER].to_pylist()
    peer = cost(lambda: datasketch(texts), _PEER)
    # Both of rensa's algorithms, each by its way for many texts at once.
    ready = [shingles(text) for text in texts]
    many = {"minhash": RMinHash.digest_matrix_from_token_sets, "rho": RMinHash.digest_matrix_from_token_sets_rho}
    whole = {
        name: cost(lambda sketch=sketch: sketch([shingles(text) for text in texts], _BINS, 1), _PEER)  # type: ignore[misc]
        for name, sketch in many.items()
    }
    alone = {name: cost(lambda sketch=sketch: sketch(ready, _BINS, 1), _PEER) for name, sketch in many.items()}  # type: ignore[misc]
    return {
        "prompts": len(prompts),
        "mean_bytes": round(sum(len(t.encode()) for t in texts) / len(texts)),
        "iolaus_cpu_us_a_prompt": round(ours, 2),
        "datasketch_cpu_us_a_prompt": round(peer, 1),
        "shingling_in_python_cpu_us_a_prompt": round(cost(lambda: [shingles(text) for text in texts], _PEER), 1),
        "rensa_cpu_us_a_prompt": {name: round(us, 1) for name, us in whole.items()},
        "rensa_on_ready_shingles_cpu_us_a_prompt": {name: round(us, 2) for name, us in alone.items()},
        "peer_versions": {name: version(name) for name in ("datasketch", "rensa")},
        "ratio": round(peer / ours, 1),
        "ratio_rensa": round(min(whole.values()) / ours, 1),
    }


def main() -> None:
    """Sketch the range's own prompts with each."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "iolaus.cli", "simulate", "ladder", "--quiet"]
        timed([*command, "--out", folder, "--exchanges", str(_PROMPTS)])
        table = pq.read_table(Path(folder) / "exchanges.parquet", columns=["prompt"])
    result = compare(pa.concat_arrays(table.column("prompt").chunks))
    print(json.dumps(result, indent=2))
    print(record.write("sketch", result))


if __name__ == "__main__":
    main()
