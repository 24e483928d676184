"""Sketching prompts from raw strings: CPU microseconds a prompt, against datasketch, in one run."""

import json
import re
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasketch import MinHash  # type: ignore[import-not-found]

from benchmarks import record
from benchmarks.speed import timed
from iolaus.text import sketch_prompts

_PROMPTS = 100_000
_PEER = 2_000


def main() -> None:
    """Sketch the range's own prompts with both."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "iolaus.cli", "simulate", "ladder", "--quiet"]
        timed([*command, "--out", folder, "--exchanges", str(_PROMPTS)])
        table = pq.read_table(Path(folder) / "exchanges.parquet", columns=["prompt"])
    prompts: pa.Array = pa.concat_arrays(table.column("prompt").chunks)
    nothing = pa.nulls(len(prompts), pa.string())
    sketch_prompts(prompts[:100], nothing[:100])
    started = time.process_time()
    sketch_prompts(prompts, nothing)
    ours = (time.process_time() - started) / len(prompts) * 1e6
    texts = prompts[:_PEER].to_pylist()
    started = time.process_time()
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        sketch = MinHash(num_perm=64)
        sketch.update_batch([" ".join(words[i : i + 3]).encode() for i in range(max(len(words) - 2, 1))])
    peer = (time.process_time() - started) / _PEER * 1e6
    result = {
        "prompts": _PROMPTS,
        "mean_bytes": round(sum(len(t.encode()) for t in texts) / len(texts)),
        "iolaus_cpu_us_a_prompt": round(ours, 2),
        "datasketch_cpu_us_a_prompt": round(peer, 1),
        "ratio": round(peer / ours, 1),
    }
    print(json.dumps(result, indent=2))
    print(record.write("sketch", result))


if __name__ == "__main__":
    main()
