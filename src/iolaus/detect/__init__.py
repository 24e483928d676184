"""Detection: candidates, clusters, axes, verdicts, attribution, and the one orchestrator."""

from iolaus.detect.run import Settings, detect

__all__ = ["Settings", "detect"]
