"""DuckDB, embedded: the default engine, in memory or over a scratch file."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from iolaus.errors import IolausError, StoreError
from iolaus.store.step import Parameter, Pipeline, Step

__all__ = ["DuckEngine"]


class DuckEngine:
    """Runs pipelines on DuckDB.

    Args:
        path: scratch database file, made by the engine and removed on ``close``; None keeps all in memory.
        memory_bytes: bound on the memory that DuckDB may use; it spills beside ``path`` beyond that.
        threads: bound on its threads; None leaves DuckDB's choice.
        debug: keep the answer of every step as a table of the step's name, so that each can be looked at.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        memory_bytes: int | None = None,
        threads: int | None = None,
        debug: bool = False,
    ) -> None:
        self._path, self._debug = path, debug
        config: dict[str, str | bool | int | float | list[str]] = {}
        if memory_bytes is not None:
            config["memory_limit"] = f"{memory_bytes}B"
        if threads is not None:
            config["threads"] = threads
        if path is not None:
            config["temp_directory"] = f"{path}.spill"
        self._connection = duckdb.connect(str(path) if path is not None else ":memory:", config=config)

    def __enter__(self) -> Self:
        """The engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, whatever happened."""
        self.close()

    def load(self, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Make the table ``name`` of the batches, streaming.

        Raises:
            IolausError: what the batches' source itself raised.
            StoreError: the rows could not be kept.
        """
        failure: list[IolausError] = []

        def guarded() -> Iterable[pa.RecordBatch]:
            # DuckDB wraps what a stream raises into an error of its own; keep ours, whose sentence a user reads.
            try:
                yield from batches
            except IolausError as error:
                failure.append(error)
                raise

        reader = pa.RecordBatchReader.from_batches(schema, guarded())
        try:
            self._execute(f"load {name}", f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM incoming', {}, reader)
        except StoreError as error:
            raise failure[0] if failure else error from None

    def materialise(self, pipeline: Pipeline) -> None:
        """Run the pipeline and keep its answer as a table of the pipeline's name."""
        steps = self._prepare(pipeline)
        statement = f'CREATE OR REPLACE TABLE "{pipeline.name}" AS {steps.sql()}'
        self._execute(pipeline.name, statement, steps.parameters)

    def run(self, pipeline: Pipeline) -> pa.Table:
        """Run the pipeline and return its answer as an Arrow table."""
        steps = self._prepare(pipeline)
        answer = self._execute(pipeline.name, steps.sql(), steps.parameters)
        if answer is None:
            raise StoreError(pipeline.name, steps.sql(), "the last step is no SELECT")
        return answer.to_arrow_table()

    def close(self) -> None:
        """Close the database and remove its scratch file."""
        self._connection.close()
        if self._path is not None:
            for suffix in ("", ".wal"):
                with contextlib.suppress(OSError):
                    Path(f"{self._path}{suffix}").unlink()

    def _prepare(self, pipeline: Pipeline) -> Pipeline:
        """In debug mode, every step before the last becomes a table, and the last alone is left to run."""
        if not self._debug:
            return pipeline
        for step in pipeline.steps[:-1]:
            self._execute(step.name, f'CREATE OR REPLACE TABLE "{step.name}" AS {step.sql}', dict(step.parameters))
        last = pipeline.steps[-1]
        return Pipeline((Step(last.name, last.sql, last.parameters),))

    def _execute(
        self,
        name: str,
        sql: str,
        parameters: dict[str, Parameter],
        incoming: pa.RecordBatchReader | None = None,
    ) -> duckdb.DuckDBPyRelation | None:
        try:
            if incoming is not None:
                self._connection.register("incoming", incoming)
            return self._connection.sql(sql, params=parameters) if parameters else self._connection.sql(sql)
        except duckdb.Error as error:
            raise StoreError(name, sql, str(error).splitlines()[0]) from error
        finally:
            if incoming is not None:
                self._connection.unregister("incoming")
