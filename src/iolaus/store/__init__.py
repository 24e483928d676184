"""Named SQL steps, and the engines that run them."""

from iolaus.store.duck import DuckEngine
from iolaus.store.engine import Engine
from iolaus.store.step import Pipeline, Step

__all__ = ["DuckEngine", "Engine", "Pipeline", "Step"]
