"""The seam behind which an engine stands."""

from collections.abc import Iterable
from typing import Protocol

import pyarrow as pa

from iolaus.store.step import Pipeline

__all__ = ["Engine"]


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
