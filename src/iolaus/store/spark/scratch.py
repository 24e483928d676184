"""Where a Spark engine keeps its tables: one folder, local or at any URL that Spark writes to."""

import re
import shutil
import tempfile
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

__all__ = ["Scratch", "literal"]

# A row group small enough that the executors share one loaded file.
_GROUP_ROWS: Final = 65_536
_WILD: Final = re.compile(r"([\\*?\[\]{}])")


class Scratch:
    """A folder of Parquet tables.

    Args:
        session: whose file systems are used.
        folder: a local path, or a URL that every executor reaches. It is made when the first table comes.
    """

    def __init__(self, session: SparkSession, folder: str | Path) -> None:
        self._session = session
        self._local = None if "://" in str(folder) else Path(folder).absolute()
        self._root = str(folder).rstrip("/") if self._local is None else f"file://{self._local}"
        self._numbers = count(1)

    def place(self, name: str) -> str:
        """A URL for a new table; no two are the same."""
        return f"{self._root}/{name}-{next(self._numbers)}"

    def write(self, place: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Write batches as a table at a URL that ``place`` gave, a few at a time.

        Raises:
            OSError: they cannot be written.
        """
        name = place.removeprefix(f"{self._root}/")
        if self._local is not None:
            _write(self._local / name, schema, batches)
            return
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder) / name, schema, batches)
            self._file_system().copyFromLocalFile(self._path(f"file://{folder}/{name}"), self._path(place))

    def read(self, place: str, schema: StructType) -> DataFrame:
        """The table at a URL that ``place`` gave."""
        return self._session.read.schema(schema).parquet(literal(place))

    def remove(self) -> None:
        """Remove the folder and all that is in it."""
        if self._local is not None:
            shutil.rmtree(self._local, ignore_errors=True)
        else:
            self._file_system().delete(self._path(self._root), True)

    def _path(self, url: str) -> Any:  # noqa: ANN401 - a Java object
        java: Any = self._session.sparkContext._jvm
        return java.org.apache.hadoop.fs.Path(url)

    def _file_system(self) -> Any:  # noqa: ANN401 - a Java object
        """Hadoop's file system of the folder, which Spark itself writes through."""
        return self._path(self._root).getFileSystem(self._session.sparkContext._jsc.hadoopConfiguration())


def literal(path: str) -> str:
    """A path in which Spark finds no wildcard."""
    return _WILD.sub(r"\\\1", path)


def _write(folder: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    folder.mkdir(parents=True)
    with pq.ParquetWriter(folder / "rows.parquet", schema, compression="zstd", store_schema=False) as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=_GROUP_ROWS)
