"""Which engine a run uses, and where that keeps its tables."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from iolaus.errors import EngineError
from iolaus.store import DuckEngine, Engine

__all__ = ["Spark", "free_memory", "open_engine"]

_MEMORY: Final = 0.6


@dataclass(frozen=True, slots=True)
class Spark:
    """A run on Spark.

    Attributes:
        master: Spark's master URL.
        scratch: folder for the run's tables, a path or URL that every executor reaches; None for the output's folder,
            which is enough where all executors are on this machine.
    """

    master: str = "local[*]"
    scratch: str | None = None


@contextlib.contextmanager
def open_engine(spark: Spark | None, folder: Path, memory_bytes: int | None, debug: bool) -> Iterator[Engine]:
    """The engine of one run; it is closed, and its tables removed, at the end.

    Args:
        spark: None for DuckDB.
        folder: where its files go.
        memory_bytes: bound on DuckDB's memory, or heap of Spark's driver; None for 60% of what is free, or on a cluster
            for what Spark itself takes.
        debug: keep the answer of every step, and the files.

    Raises:
        EngineError: Spark is not installed or does not start, or no executor would reach the tables.
        StoreError: DuckDB cannot make its file.
    """
    if spark is None:
        store = folder / "steps.duckdb"
        store.unlink(missing_ok=True)
        with DuckEngine(store, memory_bytes=memory_bytes or free_memory(), debug=debug) as engine:
            yield engine
        return
    try:
        from iolaus.store.spark import SparkEngine, is_local, spark_session
    except ImportError as error:
        raise EngineError(f"Spark needs {error.name}: pip install 'iolaus[spark]'") from error
    local = is_local(spark.master)
    if spark.scratch is None and not local:
        raise EngineError(f"{spark.master} is another machine: name a folder that its executors reach with --scratch")
    shutil.rmtree(folder / "steps.spark", ignore_errors=True)
    # The folder that the user names may hold other things; only what is below it is this run's, and removed.
    scratch = f"{spark.scratch.rstrip('/')}/iolaus-{uuid4().hex}" if spark.scratch else folder / "steps.spark"
    heap = memory_bytes or (free_memory() if local else None)
    with (
        spark_session(spark.master, folder / "spark.log", memory_bytes=heap) as session,
        SparkEngine(session, scratch, debug=debug) as other,
    ):
        yield other


def free_memory() -> int:
    """60% of the memory that is free now, in bytes."""
    return int(_MEMORY * os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
