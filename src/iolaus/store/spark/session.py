"""Starting Spark: quietly, on the Python that is running, and with one sentence where it cannot be."""

import contextlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from iolaus.errors import EngineError
from iolaus.store.spark.words import first_words

__all__ = ["is_local", "spark_session"]

_ALWAYS: Final = {
    "spark.app.name": "iolaus",
    # What detection collects is more than Spark's guard of 1 GiB for careless programs.
    "spark.driver.maxResultSize": "0",
    # Spark runs one task a core; a kernel that took every core for itself would be in the others' way.
    "spark.executorEnv.NUMBA_NUM_THREADS": "1",
}
# Spark's Python side prints each failed query to the terminal, beside raising it.
_PRINTERS: Final = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_LOG_TAIL: Final = 20_000
_PATIENCE_S: Final = 20


def is_local(master: str) -> bool:
    """Whether the executors are on this machine, so that they reach its folders."""
    return master == "local" or master.startswith(("local[", "local-cluster["))


@contextlib.contextmanager
def spark_session(
    master: str, log: Path, *, memory_bytes: int | None = None, options: Mapping[str, str] | None = None
) -> Iterator[SparkSession]:
    """A running Spark: the one that this process has already, or a new one that ends with the context.

    Args:
        master: Spark's master URL.
        log: file that takes whatever Spark and its Java print.
        memory_bytes: heap of the driver, within which a local master does all its work; None leaves Spark's choice.
        options: more of Spark's settings. Those in ``spark-defaults.conf`` hold as well.

    Raises:
        EngineError: Java is missing or too old, or the master cannot be used.
    """
    for name in _PRINTERS:
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL + 1)
    running = SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    settings = {**_ALWAYS, "spark.master": master}
    if is_local(master):
        settings["spark.ui.enabled"] = "false"
        # The kernels run in Python processes beside Java's, which have to be this Python.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if memory_bytes is not None:
        settings["spark.driver.memory"] = f"{memory_bytes >> 20}m"
    conf = SparkConf().setAll(list({**settings, **(options or {})}.items()))
    _find_java()
    try:
        session = _start(conf, log)
        yield session
    finally:
        _end()


def _start(conf: SparkConf, log: Path) -> SparkSession:
    try:
        with log.open("ab") as words:
            gateway: Any = launch_gateway(conf, {"stdout": words, "stderr": words})  # type: ignore[no-untyped-call]
        return SparkSession(SparkContext(conf=conf, gateway=gateway))
    except (PySparkException, Py4JError, OSError) as error:
        raise EngineError(f"Spark did not start on {conf.get('spark.master')}: {_reason(error, log)}") from error


def _end() -> None:
    """Stop Spark and its Java; without this Java stays for as long as Python does."""
    gateway = SparkContext._gateway
    with contextlib.suppress(PySparkException, Py4JError, OSError):
        if SparkContext._active_spark_context is not None:
            SparkContext._active_spark_context.stop()
    if gateway is None or gateway.proc is None:
        return
    SparkContext._gateway = SparkContext._jvm = None
    gateway.shutdown()
    # Java ends when the pipe to it does.
    gateway.proc.stdin.close()
    try:
        gateway.proc.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()


def _find_java() -> None:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if found is None and "PYSPARK_GATEWAY_PORT" not in os.environ:
        where = f"JAVA_HOME is {home}, which has no bin/java" if home else "there is no java on the PATH"
        raise EngineError(f"Spark needs Java 17 or newer, and {where}")


def _reason(error: Exception, log: Path) -> str:
    """What Spark or Java said in the log before it gave up, or else the error's own words."""
    with contextlib.suppress(OSError):
        tail = log.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").splitlines()
        given = [line.partition("Reason: ")[2] for line in tail if "Reason: " in line]
        thrown = [line for line in tail if "Exception" in line or "Error" in line]
        if given:
            return " ".join(given[-1].split())
        if thrown and "JAVA_GATEWAY_EXITED" in str(error):
            return " ".join(thrown[0].split())
    return first_words(error)
