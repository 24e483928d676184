"""Detection: candidates, clusters, axes, verdicts, attribution, and the one orchestrator."""

from iolaus.detect.engines import Spark
from iolaus.detect.run import Settings, detect

__all__ = ["Settings", "Spark", "detect"]
