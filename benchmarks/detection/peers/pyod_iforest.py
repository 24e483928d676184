"""PyOD's isolation forest on the accounts' features."""

import pyarrow as pa
from pyod.models.iforest import IForest  # type: ignore[import-untyped]

from benchmarks.detection.answers import Group
from benchmarks.detection.features import account_features

__all__ = ["suspects"]


def suspects(exchanges: pa.Table, accounts: pa.Table) -> list[Group]:
    """Every account by its outlier score (Liu, Ting and Zhou, ICDM 2008)."""
    features, names = account_features(exchanges)
    forest = IForest(n_estimators=200, random_state=5).fit(features)
    return [Group((name,), float(s)) for name, s in zip(names, forest.decision_scores_, strict=True)]
