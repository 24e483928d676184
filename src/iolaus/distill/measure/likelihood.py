"""What networks predict on held-out documents: likelihood, agreement with the teacher, calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from iolaus.distill.measure.intervals import Measure
from iolaus.distill.texts import Encoded
from iolaus.distill.train.networks import plain_head
from iolaus.distill.untyped import Network

__all__ = ["BINS", "Predictions", "calibration_error", "likelihood_measures", "predict_documents"]

BINS: Final = 15
_LOGIT_BYTES: Final = 32 * 2**20


@dataclass(slots=True)
class Predictions:
    """Sums over each document's tokens that count.

    Args:
        nll: (n,) negative log-likelihood in nats.
        hits: (n,) tokens whose likeliest prediction is the text.
        agreement: (n,) tokens whose likeliest prediction is the teacher's.
        apart: (n,) Σ KL(teacher || network) in nats.
        confidence: (n, BINS) sums of the likeliest token's probability, by that probability.
        correct: (n, BINS) how many of them were right.
        counts: (n, BINS) how many there were.
    """

    nll: NDArray[np.float64]
    hits: NDArray[np.float64]
    agreement: NDArray[np.float64]
    apart: NDArray[np.float64]
    confidence: NDArray[np.float64]
    correct: NDArray[np.float64]
    counts: NDArray[np.float64]

    @classmethod
    def empty(cls, count: int) -> "Predictions":
        """Zeros."""
        flat, binned = [np.zeros(count) for _ in range(4)], [np.zeros((count, BINS)) for _ in range(3)]
        return cls(*flat, *binned)


@torch.no_grad()
def predict_documents(
    networks: Mapping[str, Any], documents: Sequence[Encoded], block: int, wide: int, batch: int = 8
) -> tuple[dict[str, Predictions], NDArray[np.float64]]:
    """Run networks of one tokenizer over documents cut to ``block`` tokens.

    Args:
        networks: by name; agreement is with the one called teacher, where there is one.
        documents: encoded with their tokenizer.
        block: most tokens of a document.
        wide: rows of the vocabulary that count.
        batch: documents a pass.

    Returns:
        Predictions of each network and (n,) how many tokens of each document count.
    """
    found = {name: Predictions.empty(len(documents)) for name in networks}
    heads = {name: plain_head(network.eval()) for name, network in networks.items()}
    tokens = np.zeros(len(documents))
    # Similar lengths share a pass; results do not depend on it.
    order = sorted(range(len(documents)), key=lambda index: len(documents[index].ids))
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        ids, counts = _padded([documents[index] for index in chosen], block)
        place = np.repeat(chosen, counts.sum(1).numpy())
        np.add.at(tokens, place, 1)
        labels = ids[:, 1:][counts]
        outputs = {name: _outputs(network, heads[name], ids, counts) for name, network in networks.items()}
        rows = max(1, _LOGIT_BYTES // (4 * wide))
        for first in range(0, len(labels), rows):
            part = slice(first, first + rows)
            told = None
            for name in sorted(networks, key=lambda name: name != "teacher"):
                hidden, weight = outputs[name]
                logits = hidden[part] if weight is None else hidden[part] @ weight[:wide].T
                log_q = torch.log_softmax(logits[:, :wide].float(), -1)
                told = log_q if name == "teacher" else told
                _add(found[name], place[part], log_q, labels[part], told)
    return found, tokens


def likelihood_measures(
    found: Mapping[str, Predictions], weights: NDArray[np.float64], unit: str = "token"
) -> list[Measure]:
    """Measures from predictions: likelihood always, agreement where there is a teacher."""
    names = list(found)
    same = {name: weights for name in names}
    measures = [Measure(f"nll per {unit}", "lower", {name: found[name].nll for name in names}, same)]
    if unit == "token":
        measures.append(Measure("next-token accuracy", "higher", {name: found[name].hits for name in names}, same))
        if "teacher" in found:
            students = [name for name in names if name != "teacher"]
            fewer = {name: weights for name in students}
            agreeing = {name: found[name].agreement for name in students}
            measures.append(Measure("agreement with the teacher", "higher", agreeing, fewer, compared=False))
            apart = {name: found[name].apart for name in students}
            measures.append(Measure("KL from the teacher", "lower", apart, fewer, compared=False))
    return measures


def calibration_error(found: Predictions, confidence: float, resamples: int, seed: int) -> tuple[float, float, float]:
    """Expected calibration error of the likeliest token, 15 bins of equal width, with a bootstrap interval.

    Σ over bins of (share of tokens) · |accuracy - mean confidence| (Guo et al., "On calibration of modern neural
    networks", arXiv 1706.04599, equation 3). The interval resamples documents; being a sum of absolute values, the
    error of a resample is biased upwards, so the interval is not centred on the value.
    """
    apart = found.correct - found.confidence

    def error(weights: NDArray[Any]) -> NDArray[np.float64]:
        total = np.maximum((weights @ found.counts).sum(-1), 1e-300)
        return np.asarray(np.abs(weights @ apart).sum(-1) / total)

    count = len(found.nll)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    low, high = np.quantile(error(drawn), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(error(np.ones((1, count)))[0]), float(low), float(high)


def _padded(documents: Sequence[Encoded], block: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids (b, t), filled behind with the closing token, which nothing before it sees, and which predictions count."""
    longest = max(min(len(document.ids), block) for document in documents)
    ids = torch.full((len(documents), max(longest, 2)), documents[0].ids[-1], dtype=torch.long)
    counts = torch.zeros((len(documents), max(longest, 2)), dtype=torch.bool)
    for row, document in enumerate(documents):
        cut = document.ids[:block]
        ids[row, : len(cut)] = torch.tensor(cut)
        counts[row, max(1, document.learned_from) : len(cut)] = True
    return ids, counts[:, 1:]


def _outputs(network: Network, head: Any, ids: torch.Tensor, counts: torch.Tensor) -> tuple[torch.Tensor, Any]:  # noqa: ANN401
    """Hidden states and the head's weight; or logits and None for heads that are not plain."""
    device = next(network.parameters()).device
    if head is None:
        return network(input_ids=ids.to(device), use_cache=False).logits[:, :-1][counts.to(device)].cpu(), None
    return head.hidden(ids.to(device))[:, :-1][counts.to(device)], head.weight


def _add(
    found: Predictions, place: NDArray[np.int64], log_q: torch.Tensor, labels: torch.Tensor, told: torch.Tensor | None
) -> None:
    best, guess = log_q.cpu().max(-1)
    right = (guess == labels).numpy().astype(float)
    np.add.at(found.nll, place, -log_q.cpu().gather(-1, labels[:, None])[:, 0].double().numpy())
    np.add.at(found.hits, place, right)
    sure = best.exp().double().numpy()
    into = np.minimum((sure * BINS).astype(int), BINS - 1)
    np.add.at(found.confidence, (place, into), sure)
    np.add.at(found.correct, (place, into), right)
    np.add.at(found.counts, (place, into), 1)
    if told is not None and told.shape == log_q.shape:
        np.add.at(found.agreement, place, (told.argmax(-1).cpu() == guess).numpy().astype(float))
        apart = (told.exp() * (told - log_q.to(told.device))).sum(-1)
        np.add.at(found.apart, place, apart.double().cpu().numpy())
