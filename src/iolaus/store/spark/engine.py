"""Spark: the same steps on any cluster, its tables as Parquet in one scratch folder."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa
import pyarrow.compute as pc
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.pandas.types import from_arrow_schema

from iolaus.errors import IolausError, StoreError
from iolaus.store.engine import Kernel, Place
from iolaus.store.spark.dialect import PLACE, Numbering, Translated
from iolaus.store.spark.scratch import Scratch, literal
from iolaus.store.spark.words import first_words
from iolaus.store.step import Pipeline, Step

__all__ = ["SparkEngine"]

_SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
# Of Spark's increasing ids the lower bits count the rows of a partition, the upper ones are the partition's number.
_ROW_BITS: Final = 33


class SparkEngine:
    """Runs pipelines on Spark.

    Every table is a Parquet folder in the scratch folder, written once; so no step is computed twice, and an executor
    that is lost takes no table with it.

    Args:
        session: a running Spark; its own settings and views are left as they are.
        scratch: folder for the tables, a path or a URL that every executor reaches; removed on ``close``.
        debug: keep the answer of every step, and the folder.
    """

    def __init__(self, session: SparkSession, scratch: str | Path, *, debug: bool = False) -> None:
        self._session = session.newSession()
        for name, value in _SETTINGS.items():
            self._session.conf.set(name, value)
        self._scratch, self._debug = Scratch(self._session, scratch), debug
        self._numbers = count(1)
        self._views: dict[str, str] = {}

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
        place = self._scratch.place(name)
        with self._told(f"load {name}", ""):
            try:
                self._scratch.write(place, schema, batches)
            except (IolausError, PySparkException, Py4JError):
                raise
            except Exception as error:
                # Whatever else the batches' source raised.
                raise StoreError(f"load {name}", "", first_words(error)) from error
            self._views[name] = self._view(self._scratch.read(place, from_arrow_schema(schema)))

    def open_parquet(self, name: str, places: Sequence[Place], columns: Sequence[str]) -> tuple[list[str], list[str]]:
        """Make Parquet files the table ``name``, with whose ``file`` and ``row`` (from 0) each row is.

        Args:
            name: the table's.
            places: files of this machine; or files, folders (with all below them) and globs at any URL that Spark
                reads.
            columns: those that are wanted; the ones no file has are left out.

        Returns:
            The files' URLs as the column ``file`` gives them, sorted; the columns that are there.

        Raises:
            StoreError: there is no such file, it is no Parquet, or the files' columns have types that do not agree.
        """
        with self._told(f"open {name}", ""):
            reader = self._session.read.option("recursiveFileLookup", True).option("mergeSchema", True)
            urls = [literal(f"file://{place.absolute()}") if isinstance(place, Path) else place for place in places]
            frame = reader.parquet(*urls)
            present = [column for column in columns if column in frame.columns]
            where = [sql.col("_metadata.file_path").alias("file"), sql.col("_metadata.row_index").alias("row")]
            self._views[name] = self._view(frame.select(*present, *where))
            return sorted(frame.inputFiles()), present

    def map(self, name: str, source: Pipeline, schema: pa.Schema, kernel: Kernel) -> None:
        """Send the answer of ``source`` through a kernel, on the executors, and keep what comes out as a table.

        Args:
            name: the table's.
            source: the rows.
            schema: what the kernel yields.
            kernel: takes an iterator of record batches and yields others; what it refers to is importable there.
        """
        frame = self._answer(source)
        with self._told(name, source.sql()):
            self._make(name, frame.mapInArrow(kernel, from_arrow_schema(schema)))

    def define(self, pipeline: Pipeline) -> None:
        """Give the pipeline's answer its name without computing it: it is read through."""
        self._views[pipeline.name] = self._view(self._answer(pipeline))

    def materialise(self, pipeline: Pipeline) -> None:
        """Run the pipeline and keep its answer as a table of the pipeline's name."""
        frame = self._answer(pipeline)
        with self._told(pipeline.name, pipeline.sql()):
            self._make(pipeline.name, frame)

    def run(self, pipeline: Pipeline) -> pa.Table:
        """Run the pipeline and return its answer as an Arrow table."""
        frame = self._answer(pipeline)
        with self._told(pipeline.name, pipeline.sql()):
            table = frame.toArrow()
        return table.cast(pa.schema([pa.field(field.name, field.type) for field in table.schema]))

    def close(self) -> None:
        """Remove the scratch folder, but for debug's, which is to be looked at."""
        with contextlib.suppress(PySparkException, Py4JError):
            for number in range(1, next(self._numbers)):
                self._session.catalog.dropTempView(f"iolaus_{number}")
            if not self._debug:
                self._scratch.remove()

    def _answer(self, pipeline: Pipeline) -> DataFrame:
        """The answer, not yet computed.

        A step that several others read is computed, once. One that groups is too: Spark then knows how small its
        answer is, and need not send all rows about to join them with it.
        """
        steps = [(step, Translated(step)) for step in pipeline.steps]
        reads = Counter(name for _, translated in steps for name in translated.reads)
        # A step shadows a table of its name for the steps after it, and for them alone.
        views = dict(self._views)
        for step, translated in steps:
            with self._told(step.name, step.sql):
                statement, numbering = translated.over(views)
                if numbering is None:
                    frame = self._session.sql(statement, dict(step.parameters))
                else:
                    frame = self._numbered(step, numbering)
                if self._debug:
                    self._make(step.name, frame)
                elif translated.groups or reads[step.name] > 1:
                    frame = self._keep(step.name, frame)
                views[step.name] = self._view(frame)
        return frame

    def _numbered(self, step: Step, numbering: Numbering) -> DataFrame:
        """Number rows in their order: sorted over the executors, counted a partition, and added up here."""
        rows = self._session.sql(numbering.rows, dict(step.parameters))
        kept = self._keep(f"{step.name}_sorted", rows.withColumn("row_id", sql.monotonically_increasing_id()))
        part = sql.shiftright("row_id", _ROW_BITS)
        sizes = kept.groupBy(part.alias("part")).count().toArrow().sort_by("part")
        earlier = pc.subtract(pc.cumulative_sum(sizes.column("count")), sizes.column("count"))
        parts = self._session.createDataFrame(pa.table({"part": sizes.column("part"), "earlier": earlier}))
        within = sql.col("row_id").bitwiseAND(sql.lit((1 << _ROW_BITS) - 1))
        placed = kept.join(sql.broadcast(parts), part == parts.part).withColumn(PLACE, within + parts.earlier + 1)
        return placed.selectExpr(*numbering.columns)

    def _keep(self, name: str, frame: DataFrame) -> DataFrame:
        place = self._scratch.place(name)
        frame.write.parquet(place)
        return self._scratch.read(place, frame.schema)

    def _make(self, name: str, frame: DataFrame) -> None:
        self._views[name] = self._view(self._keep(name, frame))

    @contextlib.contextmanager
    def _told(self, step: str, statement: str) -> Iterator[None]:
        """Spark's jobs under the step's name, where its own pages show them; its errors as ours."""
        try:
            self._session.sparkContext.setJobDescription(step)
            yield
        except (PySparkException, Py4JError, OSError) as error:
            raise StoreError(step, statement, first_words(error)) from error

    def _view(self, frame: DataFrame) -> str:
        view = f"iolaus_{next(self._numbers)}"
        frame.createOrReplaceTempView(view)
        return view
