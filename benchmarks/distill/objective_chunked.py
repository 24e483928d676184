"""Peak memory and time of the chunked objective against the plain form.

``python -m benchmarks.distill.objective_chunked``

Each measurement is a process of its own: forward and backward for hidden states (n, 256) and two heads (128,000, 256),
float32, one thread. Times are processor time, for the machine is shared. Peak memory is the process's largest resident
set less what it held before the loss. The plain form does not fit into the machine at 8,192 tokens: its memory there is
drawn on from the line through two smaller counts, and the result says so.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.record import machine

WIDE, DEEP = 128_000, 256
RESULTS = Path(__file__).parent / "results"


def measure(form: str, divergence: str, tokens: int, repeats: int) -> dict[str, float]:
    """One process: peak bytes above the start, and the best and the middle of the times."""
    import torch

    from iolaus.distill.objectives import by_teacher, chunked_loss, distillation_loss, slope
    from iolaus.distill.objectives import divergences as plain

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(0)
    hidden = torch.randn(tokens, DEEP, requires_grad=True)
    weight = (torch.randn(WIDE, DEEP) * 0.1).requires_grad_()
    above, head = torch.randn(tokens, DEEP), torch.randn(WIDE, DEEP) * 0.1
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    times, value = [], 0.0
    for _ in range(repeats):
        hidden.grad = weight.grad = None
        started = time.process_time()
        if form == "plain":
            loss = distillation_loss(hidden @ weight.T, above @ head.T, getattr(plain, divergence))
        elif form == "library":
            # The shortest spelling in plain PyTorch: its own fused kernel for forward KL.
            log_q, log_p = torch.log_softmax(hidden @ weight.T, -1), torch.log_softmax(above @ head.T, -1)
            loss = torch.nn.functional.kl_div(log_q, log_p, log_target=True, reduction="batchmean")
        else:
            loss = chunked_loss(hidden, weight, by_teacher(slope(divergence), 1.0, lambda block: above[block] @ head.T))
        loss.backward()
        times.append(time.process_time() - started)
        value = loss.item()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return {"peak_bytes": peak, "best_s": min(times), "middle_s": sorted(times)[len(times) // 2], "loss": value}


def apart(form: str, divergence: str, tokens: int, repeats: int) -> dict[str, float]:
    """`measure` in a fresh process."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.distill.objective_chunked",
        form,
        divergence,
        str(tokens),
        str(repeats),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and write results/objective_chunked.json."""
    rows, ratios = [], {}
    for divergence, half, whole in (("forward_kl", 128, 512), ("jensen_shannon", 128, 512)):
        forms = ("plain", "library", "chunked") if divergence == "forward_kl" else ("plain", "chunked")
        found = {(form, tokens): apart(form, divergence, tokens, 2) for tokens in (half, whole) for form in forms}
        found["chunked", 8192] = apart("chunked", divergence, 8192, 1)
        for (form, tokens), row in found.items():
            rows.append({"divergence": divergence, "form": form, "tokens": tokens} | row)
            print(rows[-1], flush=True)
        chunked = found["chunked", 8192]["peak_bytes"]
        for form in forms[:-1]:
            small, large = found[form, half], found[form, whole]
            slope = (large["peak_bytes"] - small["peak_bytes"]) / (whole - half)
            drawn_on = large["peak_bytes"] + slope * (8192 - whole)
            ratios[f"{divergence} against {form}"] = {
                "other_peak_bytes_at_8192_drawn_on": drawn_on,
                "chunked_peak_bytes_at_8192": chunked,
                "memory_share": chunked / drawn_on,
                "tokens_timed": whole,
                "time_share_best": found["chunked", whole]["best_s"] / large["best_s"],
                "time_share_middle": found["chunked", whole]["middle_s"] / large["middle_s"],
            }
    RESULTS.mkdir(exist_ok=True)
    result = {"machine": machine(), "vocabulary": WIDE, "hidden": DEEP, "ratios": ratios, "rows": rows}
    (RESULTS / "objective_chunked.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(ratios, indent=2))


if __name__ == "__main__":
    if len(sys.argv) == 5:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
    else:
        main()
