"""PyOD's ECOD on the accounts' features."""

import pyarrow as pa
from pyod.models.ecod import ECOD  # type: ignore[import-untyped]

from benchmarks.detection.answers import Group
from benchmarks.detection.features import account_features

__all__ = ["suspects"]


def suspects(exchanges: pa.Table, accounts: pa.Table) -> list[Group]:
    """Every account by its tail probabilities (Li et al., TKDE 2022)."""
    features, names = account_features(exchanges)
    return [Group((name,), float(s)) for name, s in zip(names, ECOD().fit(features).decision_scores_, strict=True)]
