"""The loop: plain functions, top to bottom."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from iolaus.distill.plan import Budget, Plan
from iolaus.distill.texts import Rows
from iolaus.distill.train.checkpoint import latest_checkpoint, restore, save_checkpoint
from iolaus.distill.train.on_policy import written_by_student
from iolaus.distill.train.sources import Batch, Source
from iolaus.distill.train.step import StudentStep
from iolaus.distill.untyped import Network
from iolaus.errors import PlanError, TrainingError

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["Progress", "Told", "Trained", "train"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a listener hears after an update.

    Args:
        step, steps: updates done, and of how many.
        loss: of this update.
        tokens_per_second: predictions judged a second since the run began.
        seconds_left: at this speed.
    """

    step: int
    steps: int
    loss: float
    tokens_per_second: float
    seconds_left: float


Progress = Callable[[Told], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run came to.

    Args:
        losses: (steps done in this run,) loss of each update.
        resumed_from: updates that were done before it.
        tokens: predictions judged in it.
        seconds: it took.
        chunked: logits were never there as a whole.
    """

    losses: NDArray[np.float64]
    resumed_from: int
    tokens: int
    seconds: float
    chunked: bool


def train(
    network: Network,
    rows: Rows,
    source: Source,
    plan: Plan,
    folder: Path,
    *,
    wide: int,
    teacher: Network = None,
    belongs: Mapping[str, str] | None = None,
    listen: Progress = lambda told: None,
) -> Trained:
    """Train the network in place.

    Row order, learning rate and draws depend on the plan and the number of the step alone, so that a killed run goes on
    from its last checkpoint to the same bits.

    Args:
        network: the student.
        rows: training rows.
        source: judges predictions.
        plan: budget, objective and seed.
        folder: of checkpoints and the TensorBoard log.
        wide: rows of the vocabulary that count.
        teacher: live network, where hidden states are compared.
        belongs: what a checkpoint must belong to for the run to go on from it.
        listen: told of every update.

    Raises:
        TrainingError: the loss is no number any more.
        OutputError: a checkpoint cannot be written.
        PlanError: the folder's checkpoint belongs to another plan.
    """
    from torch.utils.tensorboard import SummaryWriter

    budget, objective = plan.budget, plan.objective
    if budget.rows % budget.accumulate:
        raise PlanError(f"budget.accumulate: {budget.accumulate} does not divide {budget.rows} rows")
    torch.manual_seed(plan.seed)
    accelerator = _accelerator(budget)
    compared = teacher if objective.hidden_weight > 0 or objective.relation_weight > 0 else None
    module = StudentStep(network, objective, wide, compared.config.hidden_size if compared is not None else None)
    optimizer = _optimizer(module, budget.learning_rate, budget.weight_decay)
    wrapped, optimizer = accelerator.prepare(module, optimizer)
    checkpoints = folder / "checkpoints"
    found = latest_checkpoint(checkpoints)
    first = restore(found, module, optimizer.optimizer, belongs or {}) if found else 0
    log = SummaryWriter(str(folder / "tensorboard"), purge_step=first)
    losses, tokens, started = [], 0, time.monotonic()
    module.train()
    for step in range(first, budget.steps):
        rate = _rate(step, budget.steps, budget.warmup, budget.final_rate) * budget.learning_rate
        for group in optimizer.param_groups:
            group["lr"] = rate
        batches = _batches(rows, plan, step, accelerator.device)
        if _is_on_policy(plan, step):
            batches = [written_by_student(network, batch, objective) for batch in batches]
        loss, counted = _descend(wrapped, batches, source, compared, accelerator)
        norm = float(accelerator.clip_grad_norm_(module.parameters(), budget.clip))
        _require_finite(loss, norm, step + 1, checkpoints)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss)
        tokens += counted
        told = _told(step + 1, budget.steps, loss, tokens, time.monotonic() - started, len(losses))
        _write(log, told, rate, norm)
        listen(told)
        if (step + 1) % budget.checkpoint_every == 0 or step + 1 == budget.steps:
            save_checkpoint(checkpoints, step + 1, module, optimizer.optimizer, belongs or {})
    log.close()
    return Trained(np.asarray(losses), first, tokens, time.monotonic() - started, module.chunked)


def _descend(
    wrapped: torch.nn.Module, batches: list[Batch], source: Source, compared: Network, accelerator: "Accelerator"
) -> tuple[float, int]:
    """Loss and gradient of an update, and the predictions in it.

    The mean is over the update's tokens: a part counts by its tokens, not as one of so many parts.
    """
    counts = [int(batch.counts.sum()) for batch in batches]
    loss, counted = 0.0, sum(counts)
    for batch, count in zip(batches, counts, strict=True):
        with accelerator.autocast():
            above = _hidden(compared, batch) if compared is not None else None
            part = wrapped(batch, source.judge(batch), above) * (count / counted)
        accelerator.backward(part)
        loss += float(part.detach())
    return loss, counted


def _accelerator(budget: Budget) -> "Accelerator":
    """A fresh one: accelerate keeps one state a process, and refuses a second run with another precision."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(mixed_precision=budget.precision, cpu=budget.device == "cpu")


def _require_finite(loss: float, norm: float, step: int, checkpoints: Path) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise TrainingError(
            f"the loss became {loss} (norm of the gradient {norm}) at step {step}; what {checkpoints} holds is from "
            "before; lower budget.learning_rate, or look for logits that are not finite"
        )


def _optimizer(module: torch.nn.Module, rate: float, decay: float) -> torch.optim.Optimizer:
    trained = [weight for weight in module.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in trained if weight.ndim >= 2], "weight_decay": decay},
        {"params": [weight for weight in trained if weight.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=rate, betas=(0.9, 0.95))


def _rate(step: int, steps: int, warmup: float, final: float) -> float:
    """Share of the highest learning rate at a step: a straight rise, then a cosine down to ``final``."""
    rising = max(1, round(steps * warmup))
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(1, steps - rising)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * done))


def _batches(rows: Rows, plan: Plan, step: int, device: torch.device) -> list[Batch]:
    """The update's rows, in as many parts as the plan says. Each epoch has an order of its own."""
    places = np.arange(step * plan.budget.rows, (step + 1) * plan.budget.rows)
    chosen = np.empty(len(places), dtype=np.int64)
    for epoch in np.unique(places // len(rows)):
        order = np.random.default_rng([plan.seed, int(epoch)]).permutation(len(rows))
        inside = places // len(rows) == epoch
        chosen[inside] = order[places[inside] % len(rows)]
    return [
        Batch(
            torch.from_numpy(rows.ids[part].astype(np.int64)).to(device),
            torch.from_numpy(rows.learned[part][:, 1:]).to(device),
            part,
        )
        for part in np.split(chosen, plan.budget.accumulate)
    ]


def _is_on_policy(plan: Plan, step: int) -> bool:
    return plan.objective.on_policy > np.random.default_rng([plan.seed, 7, step]).random()


@torch.no_grad()
def _hidden(teacher: Network, batch: Batch) -> torch.Tensor:
    found: torch.Tensor = teacher(input_ids=batch.ids, use_cache=False, output_hidden_states=True).hidden_states[-1]
    return found


def _told(step: int, steps: int, loss: float, tokens: int, spent: float, done: int) -> Told:
    return Told(step, steps, loss, tokens / max(spent, 1e-9), (steps - step) * spent / done)


def _write(log: "SummaryWriter", told: Told, rate: float, norm: float) -> None:
    for name, value in (("loss", told.loss), ("learning rate", rate), ("gradient norm", norm)):
        log.add_scalar(name, value, told.step)
    log.add_scalar("tokens a second", told.tokens_per_second, told.step)
