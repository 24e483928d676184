"""Writing a plan's texts with several programs at once, each of which writes some of the conversations.

The plan lies in a folder beside the output, a file a column, which every program reads chunk by chunk. Each of them
writes its share of every chunk to a pipe, as Arrow batches; who writes a row makes no difference to it.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iolaus.errors import OutputError
from iolaus.schema import EXCHANGES
from iolaus.simulate.grammar import Ints
from iolaus.simulate.render import Columns, Renderer

__all__ = ["CHUNK", "batches", "work"]

CHUNK: Final = 50_000
_RENDERER: Final = "renderer.pickle"
_COLUMN: Final = ".column"


def batches(renderer: Renderer, rows: Columns, folder: Path, workers: int) -> Iterator[tuple[Columns, pa.RecordBatch]]:
    """Write the rows, one batch a chunk.

    Args:
        renderer: writes texts.
        rows: the plan's columns in time order, shape (n,) each. With several workers they are moved to ``folder``.
        folder: where the plan may lie meanwhile.
        workers: how many programs write; with one it is this program.

    Yields:
        The plan's columns of each chunk, and its rows as they are written.

    Raises:
        OutputError: where another program ended early.
    """
    rows["ends"] = _ends(rows["thread"])
    if workers == 1:
        for chunk, begin in enumerate(range(0, len(rows["ends"]), CHUNK)):
            part = {name: values[begin : begin + CHUNK] for name, values in rows.items()}
            yield part, renderer.batch(part, chunk, np.ones(len(part["ends"]), dtype=np.bool_))
        return
    rows["writer"] = _shares(rows, workers)
    (folder / _RENDERER).write_bytes(pickle.dumps(renderer, pickle.HIGHEST_PROTOCOL))
    for name in list(rows):
        values = rows.pop(name)
        values.tofile(folder / f"{name}.{values.dtype.name}{_COLUMN}")
    team = []
    try:
        for place in range(workers):
            command = [sys.executable, "-m", "iolaus.simulate", str(folder), str(place)]
            with (folder / f"{place}.log").open("wb") as log:
                team.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log))
        yield from _gather(team, folder)
    finally:
        for program in team:
            program.kill()
            program.communicate()


def work(folder: Path, place: int) -> None:
    """Write one program's share of a plan to standard output, as an Arrow stream with a batch a chunk.

    Args:
        folder: where ``batches`` put the plan.
        place: number of this program.
    """
    renderer: Renderer = pickle.loads((folder / _RENDERER).read_bytes())
    # Everything else that this program prints is for its log.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with sink, pa.ipc.new_stream(sink, EXCHANGES) as stream:
        for chunk, part in enumerate(_parts(folder)):
            stream.write_batch(renderer.batch(part, chunk, part["writer"] == place))


def _parts(folder: Path) -> Iterator[Columns]:
    """The plan's columns, chunk by chunk, from its files."""
    paths = {path.name.split(".")[0]: path for path in sorted(folder.glob(f"*{_COLUMN}"))}
    kinds = {name: np.dtype(path.name.split(".")[1]) for name, path in paths.items()}
    for begin in count(0, CHUNK):
        part = {
            name: np.fromfile(path, kinds[name], CHUNK, offset=begin * kinds[name].itemsize)
            for name, path in paths.items()
        }
        if len(part["writer"]) == 0:
            return
        yield part


def _gather(team: list["subprocess.Popen[bytes]"], folder: Path) -> Iterator[tuple[Columns, pa.RecordBatch]]:
    """Put the programs' shares of each chunk together in time order."""
    try:
        streams = [pa.ipc.open_stream(program.stdout) for program in team]
        for part in _parts(folder):
            shares = pa.concat_batches([stream.read_next_batch() for stream in streams])
            place = np.argsort(np.argsort(part["writer"], kind="stable"))
            yield part, shares.take(pa.array(place))
    except (OSError, StopIteration, pa.ArrowException) as error:
        logs = [(folder / f"{place}.log").read_text(errors="replace").strip() for place in range(len(team))]
        said = next((log.splitlines()[-1] for log in logs if log), "it was ended from outside, or memory ran out")
        raise OutputError(f"a program that writes texts ended early: {said}") from error


def _ends(thread: Ints) -> NDArray[np.bool_]:
    """Whether each row is the last of its conversation; shape (n,)."""
    last = np.full(int(thread.max()) + 2, -1, dtype=np.int64)
    last[thread] = np.arange(len(thread))
    last[-1] = -1
    return np.equal(last[thread], np.arange(len(thread)))


def _shares(rows: Columns, workers: int) -> NDArray[np.int8]:
    """Which program writes each row: all of a conversation, and of those that go on from it, falls to one."""
    thread, saves, resumes = rows["thread"], rows["saves"], rows["resumes"]
    origin = np.arange(max(int(c.max()) for c in (thread, saves, resumes)) + 2)
    # The last entry stands for rows without a conversation.
    saver = np.full(len(origin), len(origin) - 1)
    keeps, follows = saves >= 0, resumes >= 0
    saver[saves[keeps]] = thread[keeps]
    origin[thread[follows]] = saver[resumes[follows]]
    while True:
        further = origin[origin]
        if (further == origin).all():
            break
        origin = further
    return (np.where(thread >= 0, origin[thread], np.arange(len(thread))) % workers).astype(np.int8)
