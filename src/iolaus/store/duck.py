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
        debug: keep the answer of every step as a table of the step's name, so that each can be looked at; the file
            at ``path`` then stays.

    Raises:
        StoreError: the file cannot be made, or a bound is none that DuckDB takes.
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
        name = str(path) if path is not None else ":memory:"
        try:
            self._connection = duckdb.connect(name, config=config)
        except duckdb.Error as error:
            self._remove()
            raise _failed("open", name, error) from error

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
        if self._debug:
            self._keep_each(pipeline)
            return
        statement = f'CREATE OR REPLACE TABLE "{pipeline.name}" AS {pipeline.sql()}'
        self._execute(pipeline.name, statement, pipeline.parameters)

    def run(self, pipeline: Pipeline) -> pa.Table:
        """Run the pipeline and return its answer as an Arrow table."""
        if self._debug:
            self._keep_each(pipeline)
            pipeline = Pipeline((Step(pipeline.name, f'SELECT * FROM "{pipeline.name}"'),))
        try:
            # DuckDB may put the work off until the rows are asked for, and fail only then.
            answer = self._execute(pipeline.name, pipeline.sql(), pipeline.parameters)
            if answer is None:
                raise StoreError(pipeline.name, pipeline.sql(), "the last step is no SELECT")
            return answer.to_arrow_table()
        except duckdb.Error as error:
            raise _failed(pipeline.name, pipeline.sql(), error) from error

    def close(self) -> None:
        """Close the database and remove its scratch file, but for debug's, which is to be looked at."""
        # On a full disk the last checkpoint fails too, which is no news by then.
        with contextlib.suppress(duckdb.Error):
            self._connection.close()
        if not self._debug:
            self._remove()

    def _remove(self) -> None:
        if self._path is not None:
            for suffix in ("", ".wal"):
                with contextlib.suppress(OSError):
                    Path(f"{self._path}{suffix}").unlink()

    def _keep_each(self, pipeline: Pipeline) -> None:
        """Make every step a table of its name."""
        for step in pipeline.steps:
            self._execute(step.name, f'CREATE OR REPLACE TABLE "{step.name}" AS {step.sql}', dict(step.parameters))

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
            raise _failed(name, sql, error) from error
        finally:
            if incoming is not None:
                self._connection.unregister("incoming")


def _failed(name: str, sql: str, error: duckdb.Error) -> StoreError:
    return StoreError(name, sql, str(error).splitlines()[0])
