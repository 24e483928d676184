"""Spark behind the seam; importing this room needs ``pip install 'iolaus[spark]'``."""

from iolaus.store.spark.engine import SparkEngine
from iolaus.store.spark.session import is_local, spark_session

__all__ = ["SparkEngine", "is_local", "spark_session"]
