"""The seam behind which an engine stands."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import pyarrow as pa

from iolaus.store.step import Pipeline

__all__ = ["Engine", "Kernel", "Place", "SpreadEngine"]

# A file of this machine, or a URL that the engine itself looks through.
Place = Path | str
Kernel = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


class Engine(Protocol):
    """What detection needs of an engine. Names of tables are plain identifiers."""

    def load(self, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Make the table ``name`` of the batches; nothing is held in memory beyond a few of them."""
        ...

    def materialise(self, pipeline: Pipeline) -> None:
        """Run the pipeline and keep its answer as a table of the pipeline's name."""
        ...

    def run(self, pipeline: Pipeline) -> pa.Table:
        """Run the pipeline and return its answer."""
        ...

    def close(self) -> None:
        """Let go of everything, files included."""
        ...


@runtime_checkable
class SpreadEngine(Engine, Protocol):
    """An engine whose workers are elsewhere: files are opened, and kernels run, where they are."""

    def open_parquet(self, name: str, places: Sequence[Place], columns: Sequence[str]) -> tuple[list[str], list[str]]:
        """Make Parquet files the table ``name``, with the columns ``file`` and ``row``.

        Returns:
            The files' URLs, sorted; which of ``columns`` they have.
        """
        ...

    def map(self, name: str, source: Pipeline, schema: pa.Schema, kernel: Kernel) -> None:
        """Send the answer of ``source`` through a kernel and keep what comes out as the table ``name``."""
        ...

    def define(self, pipeline: Pipeline) -> None:
        """Give the pipeline's answer its name without computing it."""
        ...
