"""The chunked objective against TRL's GKD loss and Liger's fused JSD: agreement, time and memory on a CPU.

``python -m benchmarks.distill.objective_peers`` in an environment that also has trl and liger-kernel (with datasets and
pandas); what cannot be imported is left out, and the result says why. Each measurement is a process of its own: forward
and backward of the generalized JSD at beta 0.5 for hidden states (n, 256) and two heads (32,000, 256), float32, one
thread, processor time. TRL takes logits, so the heads' products are counted with it. Liger's chunks are of 1,024 tokens
as they come, and of 128; torch.compile is off, for it needs a compiler at run time.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.distill import recording

WIDE, DEEP, BETA, REPEATS = 32_000, 256, 0.5, 3
TOKENS = (256, 1024)
FORMS = ("ours", "trl", "liger, chunks of 1,024", "liger, chunks of 128")
Loss = Callable[[Any, Any, Any, Any], Any]


def loss_of(form: str) -> Loss:
    """The loss of hidden states, head, the teacher's hidden states and its head."""
    if form == "ours":
        from iolaus.distill.objectives import by_teacher, chunked_loss, slope

        judged = slope("jensen_shannon", BETA)
        return lambda hidden, weight, above, head: chunked_loss(
            hidden, weight, by_teacher(judged, 1.0, lambda block: above[block] @ head.T)
        )
    if form == "trl":
        from trl.experimental.gkd import GKDTrainer  # type: ignore[import-not-found]

        return lambda hidden, weight, above, head: GKDTrainer.generalized_jsd_loss(
            hidden @ weight.T, above @ head.T, beta=BETA
        )
    import torch
    from liger_kernel.chunked_loss import LigerFusedLinearJSDLoss  # type: ignore[import-not-found]

    size = 128 if form.endswith(" 128") else 1024
    fused = LigerFusedLinearJSDLoss(0.0, 1.0, beta=BETA, compiled=False, chunk_size=size)
    return lambda hidden, weight, above, head: fused(
        hidden, weight, above, head, torch.zeros(len(hidden), dtype=torch.long)
    )


def measure(form: str, tokens: int) -> dict[str, Any]:
    """One process: loss, gradients' sums, peak bytes above the start, and the best of the times."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(0)
    hidden = torch.randn(tokens, DEEP, requires_grad=True)
    weight = (torch.randn(WIDE, DEEP) * 0.1).requires_grad_()
    above, head = torch.randn(tokens, DEEP), torch.randn(WIDE, DEEP) * 0.1
    loss = loss_of(form)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    times, value = [], 0.0
    for _ in range(REPEATS):
        hidden.grad = weight.grad = None
        started = time.process_time()
        found = loss(hidden, weight, above, head)
        found.backward()
        times.append(time.process_time() - started)
        value = found.item()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    if hidden.grad is None or weight.grad is None:
        raise RuntimeError(f"{form} gave no gradient")
    probe = torch.sin(torch.arange(DEEP, dtype=torch.float32))
    told = [(hidden.grad @ probe).double(), (weight.grad @ probe).double()]
    return {
        "loss": value,
        "gradient": [[float(one.abs().sum()), float(one[0])] for one in told],
        "peak_bytes": peak,
        "seconds": min(times),
    }


def apart(form: str, tokens: int) -> dict[str, Any]:
    """`measure` in a fresh process; where the peer cannot be imported, what it said."""
    command = [sys.executable, "-m", "benchmarks.distill.objective_peers", form, str(tokens)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"not measured": (done.stderr.strip().splitlines() or ["it said nothing"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def agreement(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """The largest relative difference of loss and of the gradients' sums."""
    pairs = [(ours["loss"], theirs["loss"])]
    pairs += [
        (a, b)
        for one, two in zip(ours["gradient"], theirs["gradient"], strict=True)
        for a, b in zip(one, two, strict=True)
    ]
    return float(max(abs(a - b) / abs(a) for a, b in pairs))


def versions() -> dict[str, str]:
    """Of the peers that are there."""
    found = {}
    for name in ("trl", "liger-kernel"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def main() -> None:
    """Measure and write results/objective_peers.json."""
    rows: dict[str, dict[str, Any]] = {}
    for tokens in TOKENS:
        ours = apart("ours", tokens)
        for form in FORMS:
            found = ours if form == "ours" else apart(form, tokens)
            if "loss" in found:
                found = found | {
                    "apart_from_ours": agreement(ours, found),
                    "time_of_ours": round(found["seconds"] / ours["seconds"], 2),
                    "memory_of_ours": round(found["peak_bytes"] / ours["peak_bytes"], 2),
                }
            rows[f"{form}, {tokens} tokens"] = found
            print(form, tokens, json.dumps(found), flush=True)
    print(recording.write("objective_peers", {"peers": versions(), "vocabulary": WIDE, "hidden": DEEP, "rows": rows}))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
