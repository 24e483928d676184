"""Whether an endpoint serves the weights that it is thought to serve."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from iolaus.distill.report import Finding
from iolaus.lm import Access, LanguageModel, Sampling

__all__ = ["check_served"]

_NEAR: Final = 0.1
_FAR: Final = 0.5


def check_served(served: LanguageModel, local: LanguageModel, prompts: Sequence[str]) -> Finding:
    """Log-probabilities of short answers as they are served, against those of the same weights here.

    Another quantisation, template, temperature or model behind the address shows here, and nowhere else before the
    student is worse than it should be.

    Args:
        served: gives log-probabilities of what it writes.
        local: the same weights, here.
        prompts: a few.
    """
    name = "served log-probabilities"
    if Access.TOP_K not in served.access:
        return Finding(name, "warning", "the endpoint tells no log-probabilities, so it cannot be compared.")
    apart: list[float] = []
    for prompt in prompts:
        (told,) = served.generate([prompt], Sampling(max_tokens=12, temperature=0.0, top=1))
        if told.logprobs is None or not told.text:
            continue
        (ours,) = local.score([(prompt, told.text)])
        if len(ours.logprobs) >= len(told.logprobs) and "".join(ours.tokens) == "".join(told.tokens):
            apart.extend(np.abs(ours.logprobs[: len(told.logprobs)] - told.logprobs))
        else:
            apart.append(abs(float(ours.total) - float(told.logprobs.sum())) / max(1, len(told.logprobs)))
    if not apart:
        return Finding(name, "warning", "the endpoint answered nothing that could be compared.")
    middle, worst = float(np.median(apart)), float(np.max(apart))
    said = f"served and local log-probabilities differ by {middle:.3f} nats a token in the middle, {worst:.3f} at most"
    if middle > _FAR:
        return Finding(name, "failed", f"{said}; the endpoint serves other weights, or another template")
    state = "warning" if middle > _NEAR else "fine"
    return Finding(name, state, f"{said}." if state == "fine" else f"{said}; quantisation or the template may be why.")
