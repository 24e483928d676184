"""One Spark for all of these tests: small, quick to start, and quiet. Without Java or pyspark its tests are skipped."""

import importlib.util
import shutil

import pytest

# A short run gains nothing from Java's second compiler, which would take most of the CPU.
QUICK = {
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    from iolaus.store.spark import spark_session

    log = tmp_path_factory.mktemp("spark") / "spark.log"
    with spark_session("local[2]", log, memory_bytes=1 << 30, options=QUICK) as session:
        yield session
