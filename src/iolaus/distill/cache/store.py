"""The teacher's cache: built once, gone on with after a kill, refused when stale, checked against a live pass."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iolaus.distill.cache.manifest import Manifest, read_manifest
from iolaus.distill.cache.shards import Shard, ShardReader, logged_shards, write_shard
from iolaus.distill.cache.sparse import SparseTargets, keep_sampled, keep_systematic, keep_top_k
from iolaus.distill.texts import Rows
from iolaus.distill.train.networks import plain_head
from iolaus.distill.untyped import Network
from iolaus.distill.writing import write_whole
from iolaus.errors import StaleCache

__all__ = ["TeacherCache", "begin_cache", "build_cache", "fill_cache", "open_shards"]

_LOGIT_BYTES = 32 * 2**20
_ROWS_AT_ONCE = 8


class TeacherCache:
    """Targets of training rows, read from shards.

    Args:
        folder: of the cache.
        manifest: what it must have been made from.

    Raises:
        StaleCache: it was made from something else, or shards are missing or damaged.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest, self._folder = manifest, folder
        self.shards = open_shards(folder, manifest)
        self._readers: dict[int, ShardReader] = {}

    @property
    def bytes_per_token(self) -> float:
        """Of the shard files, all that is in them included."""
        return sum(one.size for one in self.shards.values()) / max(
            1, sum(one.positions for one in self.shards.values())
        )

    def row(self, row: int) -> SparseTargets:
        """What is kept of one training row."""
        number, index = divmod(row, self.manifest.shard_rows)
        if number not in self._readers:
            self._readers[number] = ShardReader(self._folder, self.shards[number])
        return self._readers[number].row(index)

    def targets(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Targets of several rows, position after position.

        Args:
            rows: (b,) places of training rows.

        Returns:
            (n, K) ids; and (n, K) weights (sampled, systematic; 0 for padding) or log-probabilities (top_k; -inf for
            padding).
        """
        found = [self.row(int(row)) for row in rows]
        lengths = np.concatenate([one.lengths for one in found]).astype(np.int64)
        sampled = self.manifest.kind != "top_k"
        wide = max(1, int(lengths.max(initial=0)))
        filled = np.arange(wide) < lengths[:, None]
        ids = np.zeros((len(lengths), wide), dtype=np.int64)
        values = np.full((len(lengths), wide), 0.0 if sampled else -np.inf, dtype=np.float32)
        ids[filled] = np.concatenate([one.ids for one in found])
        raw = np.concatenate([one.values for one in found])
        values[filled] = raw / self.manifest.tokens if raw.dtype == np.uint8 else raw
        return torch.from_numpy(ids), torch.from_numpy(values)

    def verify(self, teacher: Network, rows: Rows, count: int) -> float:
        """Compare some rows with a live pass of the teacher.

        Args:
            teacher: its network.
            rows: all training rows.
            count: how many of them, spread evenly.

        Returns:
            The largest difference in log Z that was seen, in nats.

        Raises:
            StaleCache: the teacher now says something else.
        """
        worst = 0.0
        for row in rows.spread(count):
            kept = self.row(int(row))
            live = torch.cat(list(_logits(teacher, rows, np.array([row]), self.manifest)))
            log_z = torch.logsumexp(live, -1).double().cpu().numpy()
            apart = np.abs(log_z - kept.log_z.astype(np.float64))
            covered = np.zeros(len(live))
            place = np.repeat(np.arange(len(live)), kept.lengths)
            log_p = live.double().cpu().numpy()[place, kept.ids] - log_z[place]
            np.add.at(covered, place, np.exp(log_p))
            # Half-precision numbers and another order of sums account for this much.
            near = 2e-3 * np.maximum(1, np.abs(log_z)) + 2e-2
            bad = (apart > near) | (np.abs(1 - covered - kept.tail.astype(np.float64)) > 2e-2)
            if bad.any():
                raise StaleCache(
                    f"the cache in {self._folder} does not hold what the teacher says now: row {int(row)}, prediction "
                    f"{int(np.flatnonzero(bad)[0])}; other software or another device may be the cause"
                )
            worst = max(worst, float(apart.max(initial=0)))
        return worst


def open_shards(folder: Path, manifest: Manifest) -> dict[int, Shard]:
    """The shards of a whole cache, by number.

    Raises:
        StaleCache: it was made from something else, or shards are missing or damaged.
    """
    manifest.require_same(read_manifest(folder), folder)
    shards, expected = logged_shards(folder), -(-manifest.rows // manifest.shard_rows)
    missing = sorted(set(range(expected)) - shards.keys())
    if missing:
        raise StaleCache(
            f"the cache in {folder} lacks {len(missing)} of {expected} shards or they are damaged, the first "
            f"{Shard(missing[0], 0, 0, '').name}; build it again, whole shards are kept"
        )
    return shards


def build_cache(
    folder: Path,
    manifest: Manifest,
    teacher: Network,
    rows: Rows,
    listen: Callable[[int, int], None],
) -> TeacherCache:
    """Make the shards that are not there yet, and open the cache.

    Every shard has draws of its own, so a build that was killed and gone on with gives the same bytes.

    Args:
        folder: of the cache.
        manifest: what it is made from.
        teacher: its network.
        rows: all training rows.
        listen: told shards done, and of how many.

    Raises:
        StaleCache: the folder holds a cache of something else.
        OutputError: a shard cannot be written; those before it are whole.
    """

    def make(chosen: NDArray[np.int64], number: int) -> Shard:
        parts = _shard_targets(manifest, teacher, rows, chosen, number)
        return write_shard(folder, number, parts, rows.learned[chosen, 1:].sum(1), manifest.wide)

    begin_cache(folder, manifest)
    fill_cache(folder, manifest, make, listen)
    return TeacherCache(folder, manifest)


def begin_cache(folder: Path, manifest: Manifest) -> None:
    """Lay a cache's folder out, or find that what is there was made from the same.

    Raises:
        StaleCache: the folder holds a cache of something else.
    """
    if (folder / "manifest.json").exists():
        manifest.require_same(read_manifest(folder), folder)
    else:
        write_whole(folder / "manifest.json", json.dumps(manifest.to_json(), indent=2) + "\n")
    for left in folder.glob(".shard-*.partial"):
        left.unlink()


def fill_cache(
    folder: Path,
    manifest: Manifest,
    make: Callable[[NDArray[np.int64], int], Shard],
    listen: Callable[[int, int], None],
) -> None:
    """Make the shards that are not there yet.

    Args:
        folder: of the cache.
        manifest: what it is made from.
        make: writes a shard, from the places of its training rows and its number.
        listen: told shards done, and of how many.
    """
    whole, count = logged_shards(folder), -(-manifest.rows // manifest.shard_rows)
    for number in range(count):
        if number not in whole:
            chosen = np.arange(number * manifest.shard_rows, min((number + 1) * manifest.shard_rows, manifest.rows))
            make(chosen, number)
        listen(number + 1, count)


def _shard_targets(
    manifest: Manifest,
    teacher: Network,
    rows: Rows,
    chosen: NDArray[np.int64],
    number: int,
) -> list[SparseTargets]:
    device = next(teacher.parameters()).device
    seed = int(np.random.SeedSequence([manifest.seed, number]).generate_state(1, np.uint64)[0] >> 1)
    chance = torch.Generator(device).manual_seed(seed)
    parts = []
    for start in range(0, len(chosen), _ROWS_AT_ONCE):
        for logits in _logits(teacher, rows, chosen[start : start + _ROWS_AT_ONCE], manifest):
            if manifest.kind == "top_k":
                parts.append(keep_top_k(logits, manifest.tokens))
            elif manifest.kind == "systematic":
                parts.append(keep_systematic(logits, manifest.tokens, chance))
            else:
                parts.append(keep_sampled(logits, manifest.tokens, manifest.power, chance))
    return parts


@torch.no_grad()
def _logits(teacher: Network, rows: Rows, chosen: NDArray[np.int64], manifest: Manifest) -> Iterator[Tensor]:
    """Logits divided by the temperature, of the predictions that count, a few at a time."""
    device = next(teacher.parameters()).device
    ids = torch.from_numpy(rows.ids[chosen].astype(np.int64)).to(device)
    counts = torch.from_numpy(rows.learned[chosen, 1:]).to(device)
    head, wide = plain_head(teacher), manifest.wide
    if head is None:
        whole = teacher(input_ids=ids, use_cache=False).logits[:, :-1][counts][:, :wide]
    else:
        hidden, weight = head.hidden(ids)[:, :-1][counts], head.weight[:wide]
    size = max(1, _LOGIT_BYTES // (4 * wide))
    for start in range(0, int(counts.sum()), size):
        part = slice(start, start + size)
        logits = whole[part] if head is None else hidden[part] @ weight.T
        yield logits.float() / manifest.temperature
