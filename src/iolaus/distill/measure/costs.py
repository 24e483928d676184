"""Size, latency, throughput and an energy proxy of a network."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import torch

from iolaus.distill.untyped import Network

__all__ = ["Costs", "measure_costs"]

_WRITTEN = 16


@dataclass(frozen=True, slots=True)
class Costs:
    """What running a network takes, here and now.

    Args:
        parameters: tied ones once.
        bytes: of its weights.
        latency_ms: a token of 16 written after 64, single stream, the 64 read included; the middle of several.
        tokens_per_second: of a pass over 8 rows of 128 tokens; the middle of several.
        flops_per_token: 2 · parameters outside the embedding table (the head's included), the usual estimate for a
            forward pass (Kaplan et al., arXiv 2001.08361, section 2.1).
        cpu_seconds_per_1000_tokens: processor time of that pass: with the same machine's power, energy grows with it.
    """

    parameters: int
    bytes: int
    latency_ms: float
    tokens_per_second: float
    flops_per_token: int
    cpu_seconds_per_1000_tokens: float

    def to_json(self) -> dict[str, Any]:
        """As plain numbers."""
        return asdict(self)


@torch.no_grad()
def measure_costs(network: Network, repeats: int = 5) -> Costs:
    """Time a network in evaluation mode; figures are of this machine under its load of the moment."""
    network.eval()
    device = next(network.parameters()).device
    wide = network.get_input_embeddings().weight.shape[0]
    ids = torch.arange(8 * 128, device=device).reshape(8, 128) % wide
    single, passes, spent = [], [], []
    for _ in range(repeats):
        started = time.perf_counter()
        network.generate(
            ids[:1, :64],
            attention_mask=torch.ones_like(ids[:1, :64]),
            max_new_tokens=_WRITTEN,
            min_new_tokens=_WRITTEN,
            do_sample=False,
        )
        _wait(device)
        single.append((time.perf_counter() - started) / _WRITTEN)
    for _ in range(repeats):
        started, worked = time.perf_counter(), time.process_time()
        network(input_ids=ids, use_cache=False)
        _wait(device)
        passes.append(time.perf_counter() - started)
        spent.append(time.process_time() - worked)
    weights = list({id(weight): weight for weight in network.parameters()}.values())
    count = sum(weight.numel() for weight in weights)
    head, table = network.get_output_embeddings(), network.get_input_embeddings()
    tied = head is not None and head.weight is table.weight
    middle = repeats // 2
    return Costs(
        count,
        sum(weight.numel() * weight.element_size() for weight in weights),
        1000 * sorted(single)[middle],
        ids.numel() / sorted(passes)[middle],
        2 * (count if tied else count - table.weight.numel()),
        1000 * sorted(spent)[middle] / ids.numel(),
    )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
