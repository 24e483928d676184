"""Distilling a teacher into a student, and what the student keeps of it.

Names are looked up when they are used, so that the rooms below load torch only where they need it.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "DistillResult": "iolaus.distill.run",
    "Plan": "iolaus.distill.plan",
    "Report": "iolaus.distill.report",
    "carry_out": "iolaus.distill.run",
    "distill": "iolaus.distill.run",
    "read_plan": "iolaus.distill.reading",
}
__all__ = ["DistillResult", "Plan", "Report", "carry_out", "distill", "read_plan"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - hands on whatever the name is
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
