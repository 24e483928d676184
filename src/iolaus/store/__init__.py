"""Named SQL steps, and the engines that run them. Spark's is in ``iolaus.store.spark``, which wants an extra."""

from iolaus.store.duck import DuckEngine
from iolaus.store.engine import Engine, Kernel, Place, SpreadEngine
from iolaus.store.step import Pipeline, Step

__all__ = ["DuckEngine", "Engine", "Kernel", "Pipeline", "Place", "SpreadEngine", "Step"]
