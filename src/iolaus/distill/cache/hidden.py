"""A cache of hidden states: the teacher's whole distribution for each prediction, in a few dozen bytes."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from iolaus.distill.cache.manifest import Manifest
from iolaus.distill.cache.shards import Shard, put_shard
from iolaus.distill.cache.store import begin_cache, fill_cache, open_shards
from iolaus.distill.cache.transform import Transform, fit_transform
from iolaus.distill.objectives import by_teacher, hard_labels, mixture, slope
from iolaus.distill.objectives.chunked import Judge
from iolaus.distill.plan import Objective
from iolaus.distill.texts import Rows
from iolaus.distill.train.networks import Head, plain_head
from iolaus.distill.train.sources import Batch
from iolaus.distill.untyped import Network
from iolaus.distill.writing import put_bytes
from iolaus.errors import PlanError, StaleCache

__all__ = ["HiddenCache", "HiddenTeacher", "build_hidden"]

_FITTED_POSITIONS: Final = 4096
_FITTED_ROWS: Final = 64
_ROWS_AT_ONCE: Final = 8


class HiddenCache:
    """Hidden states of training rows, read from shards.

    Args:
        folder: of the cache.
        manifest: what it must have been made from.

    Raises:
        StaleCache: it was made from something else, or a file is missing or damaged.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest, self._folder = manifest, folder
        self.shards = open_shards(folder, manifest)
        self.transform, self._size = _read_transform(folder)
        self._opened: dict[int, Any] = {}

    @property
    def bytes_per_token(self) -> float:
        """Of the shard files and of the transform, head included."""
        size = self._size + sum(one.size for one in self.shards.values())
        return size / max(1, sum(one.positions for one in self.shards.values()))

    def axes(self, rows: NDArray[np.int64]) -> Tensor:
        """What is kept of several training rows, position after position; float32 (n, r)."""
        return self.transform.decode(np.concatenate([self._codes(int(row)) for row in rows]))

    @torch.no_grad()
    def verify(self, teacher: Network, rows: Rows, count: int) -> float:
        """Compare some rows with a live pass of the teacher.

        Args:
            teacher: its network.
            rows: all training rows.
            count: how many of them, spread evenly.

        Returns:
            The mean divergence in nats.

        Raises:
            StaleCache: the teacher now says something else.
        """
        chosen = rows.spread(count)
        head = _head_of(teacher)
        hidden, weight = _hidden(head, rows, chosen), head.weight[: self.manifest.wide].float()
        p = torch.log_softmax(hidden @ weight.T, -1)
        q = torch.log_softmax(self.transform.on(p.device).logits(self.axes(chosen).to(p.device)), -1)
        found = float((p.exp() * (p - q)).sum(-1).mean())
        # Few rows stray from the mean over all; another teacher's answers are off by tenths of a nat.
        if not found <= 4 * self.manifest.nats + 0.02:
            raise StaleCache(
                f"the cache in {self._folder} does not hold what the teacher says now: {found:.3g} nats apart; other "
                "software or another device may be the cause"
            )
        return found

    def _codes(self, row: int) -> NDArray[np.uint8]:
        number, index = divmod(row, self.manifest.shard_rows)
        path = self._folder / self.shards[number].name
        try:
            if number not in self._opened:
                opened: Any = safe_open(path, framework="numpy")
                self._opened[number] = opened, opened.get_tensor("row_starts")
            file, starts = self._opened[number]
            found: NDArray[np.uint8] = file.get_slice("codes")[int(starts[index]) : int(starts[index + 1])]
        except (OSError, SafetensorError) as error:
            raise StaleCache(f"shard {path} cannot be read: {error}; delete it, and it is made again") from error
        return found


class HiddenTeacher:
    """Judges predictions by a cache of hidden states, with any divergence.

    Args:
        cache: of the teacher.
        objective: names the divergence, the temperature and the share of hard labels.
    """

    def __init__(self, cache: HiddenCache, objective: Objective) -> None:
        self._cache, self._objective = cache, objective
        self._slope = slope(objective.name, objective.beta, objective.skew)

    def judge(self, batch: Batch) -> Judge:
        """See `Source`."""
        if batch.rows is None:
            raise ValueError("a cache holds nothing about text that the student wrote")
        device, hard = batch.ids.device, self._objective.hard_weight
        axes, logits = self._cache.axes(batch.rows).to(device), self._cache.transform.on(device).logits
        soft = by_teacher(self._slope, self._objective.temperature, lambda block: logits(axes[block]))
        return mixture([(1 - hard, soft), (hard, hard_labels(batch.labels))] if hard > 0 else [(1.0, soft)])


def build_hidden(
    folder: Path, manifest: Manifest, teacher: Network, rows: Rows, listen: Callable[[int, int], None]
) -> HiddenCache:
    """Fit the transform, make the shards that are not there yet, and open the cache.

    Args:
        folder: of the cache.
        manifest: what it is made from.
        teacher: its network.
        rows: all training rows.
        listen: told shards done, and of how many.

    Raises:
        PlanError: the teacher's logits are not one matrix times hidden states.
        StaleCache: the folder holds a cache of something else.
        OutputError: a file cannot be written; those before it are whole.
    """
    head = _head_of(teacher)
    begin_cache(folder, manifest)
    if not (folder / _TRANSFORM).exists():
        spread = rows.spread(_FITTED_ROWS)
        hidden = _hidden(head, rows, spread)
        every = -(-len(hidden) // _FITTED_POSITIONS)
        made = fit_transform(hidden[::every], head.weight[: manifest.wide].detach(), manifest.nats)
        put_bytes(folder / _TRANSFORM, _written(made))
    transform = _read_transform(folder)[0].on(head.weight.device)

    def make(chosen: NDArray[np.int64], number: int) -> Shard:
        parts = [chosen[start : start + _ROWS_AT_ONCE] for start in range(0, len(chosen), _ROWS_AT_ONCE)]
        codes = np.concatenate([transform.encode(_hidden(head, rows, part)) for part in parts])
        starts = np.concatenate([[0], np.cumsum(rows.learned[chosen, 1:].sum(1))]).astype(np.int32)
        return put_shard(folder, number, len(codes), {"codes": codes, "row_starts": starts})

    fill_cache(folder, manifest, make, listen)
    return HiddenCache(folder, manifest)


_TRANSFORM: Final = "transform.bin"
_DIGEST: Final = 32


def _head_of(teacher: Network) -> Head:
    head = plain_head(teacher)
    if head is None:
        raise PlanError(
            "cache.kind: hidden needs a teacher whose logits are its head's matrix times hidden states; this one's are "
            "capped, scaled or biased, so take systematic"
        )
    return head


@torch.no_grad()
def _hidden(head: Head, rows: Rows, chosen: NDArray[np.int64]) -> Tensor:
    """Hidden states behind the predictions that count; float32 (n, d)."""
    device, found = head.weight.device, []
    for start in range(0, len(chosen), _ROWS_AT_ONCE):
        part = chosen[start : start + _ROWS_AT_ONCE]
        ids = torch.from_numpy(rows.ids[part].astype(np.int64)).to(device)
        counts = torch.from_numpy(rows.learned[part, 1:]).to(device)
        found.append(head.hidden(ids)[:, :-1][counts].float())
    return torch.cat(found)


def _written(transform: Transform) -> bytes:
    """The transform's tensors, and before them their SHA-256."""
    tensors = {
        "turn": transform.turn,
        "centre": transform.centre,
        "width": transform.width,
        "bits": torch.from_numpy(transform.bits),
        "head": transform.head.half(),
        "offset": transform.offset,
    }
    content = save({name: one.cpu().contiguous() for name, one in tensors.items()})
    return hashlib.sha256(content).digest() + content


def _read_transform(folder: Path) -> tuple[Transform, int]:
    """The transform, and its size in bytes."""
    path = folder / _TRANSFORM
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            raise StaleCache(f"{path} is damaged; remove the folder, and the cache is made again")
        found = load(content[_DIGEST:])
    except (OSError, SafetensorError) as error:
        raise StaleCache(f"{path} cannot be read: {error}") from error
    bits, head = found.pop("bits").numpy(), found.pop("head").float()
    return Transform(bits=bits, head=head, **found), len(content)
