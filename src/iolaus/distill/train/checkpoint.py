"""Checkpoints that a killed run goes on from exactly: weights, optimizer, random states, place in the order."""

import json
import os
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from iolaus.errors import OutputError, PlanError

__all__ = ["latest_checkpoint", "restore", "save_checkpoint"]

_KEPT = 2


def save_checkpoint(
    folder: Path, step: int, module: nn.Module, optimizer: torch.optim.Optimizer, belongs: Mapping[str, str]
) -> None:
    """Write ``step-<n>`` under the folder, whole or not at all, and let all but the last two go.

    Args:
        folder: of checkpoints.
        step: updates that are done.
        module: what is trained.
        optimizer: its optimizer.
        belongs: what the checkpoint belongs to, such as the plan's keys; compared when it is restored.

    Raises:
        OutputError: it cannot be written, as on a full disk; the checkpoints before it are whole.
    """
    final, beside = folder / f"step-{step:08d}", folder / f".step-{step:08d}.partial"
    tensors, numbers = _flat(optimizer)
    words, chance = _random_states()
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        save_file(_once(module.state_dict()), beside / "weights.safetensors")
        save_file(tensors | chance, beside / "state.safetensors")
        state = {"step": step, "optimizer": numbers, "random": words, "belongs": dict(belongs)}
        (beside / "state.json").write_text(json.dumps(state), encoding="utf-8")
        for file in beside.iterdir():
            _settle(file)
        shutil.rmtree(final, ignore_errors=True)
        os.replace(beside, final)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise OutputError(f"checkpoint {final} cannot be written: {error}") from error
    for old in sorted(folder.glob("step-*"))[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; what a killed run left half-written is swept away."""
    for left in folder.glob(".step-*.partial"):
        shutil.rmtree(left, ignore_errors=True)
    whole = sorted(folder.glob("step-*"))
    return whole[-1] if whole else None


def restore(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, belongs: Mapping[str, str]) -> int:
    """Put a checkpoint's state back, random states included, and return the updates that were done.

    Raises:
        PlanError: it belongs to another plan or corpus (names what differs), or is damaged.
    """
    try:
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        weights = load_file(path / "weights.safetensors")
        with safe_open(path / "state.safetensors", framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, ValueError, SafetensorError) as error:
        raise PlanError(f"checkpoint {path} is damaged ({error}); delete it to go on from the one before") from error
    before: dict[str, str] = state["belongs"]
    differing = [key for key in sorted(before.keys() | belongs.keys()) if before.get(key) != belongs.get(key)]
    if differing:
        key = differing[0]
        raise PlanError(
            f"checkpoint {path} was made with {key} = {before.get(key)}, not {belongs.get(key)}; "
            "use the same plan, or another folder"
        )
    module.load_state_dict(weights, strict=False)
    _unflat(optimizer, tensors, state["optimizer"])
    _set_random_states(state["random"], tensors)
    return int(state["step"])


def _once(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each stored tensor once: tied weights share memory, which safetensors refuses."""
    seen: set[int] = set()
    kept = {}
    for name, tensor in state.items():
        if tensor.data_ptr() not in seen or tensor.numel() == 0:
            seen.add(tensor.data_ptr())
            kept[name] = tensor.detach().cpu().contiguous()
    return kept


def _flat(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    state = optimizer.state_dict()
    tensors, numbers = {}, {}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{name}"] = value.detach().cpu().contiguous()
            else:
                numbers[f"{index}/{name}"] = value
    return tensors, numbers


def _unflat(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
    state = optimizer.state_dict()
    entries: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer/"):
            _, index, name = key.split("/", 2)
            entries.setdefault(int(index), {})[name] = value
    for key, value in numbers.items():
        index, name = key.split("/", 1)
        entries.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": entries, "param_groups": state["param_groups"]})


def _random_states() -> tuple[dict[str, Any], dict[str, Tensor]]:
    kind, keys, place, has_gauss, gauss = np.random.get_state()
    words = {"python": random.getstate(), "numpy": [kind, int(place), int(has_gauss), float(gauss)]}
    chance = {
        "random/numpy": torch.from_numpy(np.asarray(keys).astype(np.int64)),
        "random/torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        chance["random/cuda"] = torch.cuda.get_rng_state()
    return words, chance


def _set_random_states(words: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    version, internal, gauss_next = words["python"]
    random.setstate((version, tuple(internal), gauss_next))
    kind, place, has_gauss, gauss = words["numpy"]
    np.random.set_state((kind, tensors["random/numpy"].numpy().astype(np.uint32), place, has_gauss, gauss))
    torch.set_rng_state(tensors["random/torch"])
    if "random/cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random/cuda"])


def _settle(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
