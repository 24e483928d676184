"""An estimator's surrogate: queried, compared with the one that learns classes only, written."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from iolaus.distill.measure import Interval, Judged, verdict_of
from iolaus.distill.plan import EstimatorTeacher, Plan, SurrogateStudent
from iolaus.distill.report import Report
from iolaus.distill.surrogates.distil import Surrogate, SurrogatePlan, distil_surrogate
from iolaus.distill.surrogates.drawing import draw_tree
from iolaus.distill.surrogates.tree import Tree
from iolaus.distill.surrogates.wording import in_words
from iolaus.distill.writing import write_whole
from iolaus.errors import InputError, PlanError

__all__ = ["distil_estimator", "load_estimator", "read_table"]


def distil_estimator(
    plan: Plan,
    report: Report,
    teacher: Any,  # noqa: ANN401 - any model or function
    rows: NDArray[np.float64],
    names: tuple[str, ...] = (),
) -> Surrogate:
    """Make the surrogate and say how far it agrees with its teacher.

    Args:
        plan: the student's kind and size, and the bar.
        report: is filled.
        teacher: any scikit-learn model, or a function from rows to scores.
        rows: (n, features) numbers.
        names: of the columns.
    """
    if not isinstance(plan.student, SurrogateStudent):
        raise PlanError("student.kind: an estimator has a student of kind tree, rules or linear")
    settings = plan.student.model_dump(exclude={"kind"})
    how = SurrogatePlan(kind=plan.student.kind, bar=plan.report.bar, seed=plan.seed, **settings)
    found = distil_surrogate(teacher, rows, how, names)
    models = {"distilled": _fidelity(found)}
    if found.classes and plan.report.hard_label_student:
        models["hard_label"] = _fidelity(distil_surrogate(teacher, rows, replace(how, soft=False), names))
    kept = models["distilled"]
    judged = Judged(
        "fidelity to the teacher", "higher", found.fidelity.points, models, kept, verdict_of(kept, how.bar), None, None
    )
    report.judged.append(judged)
    report.notes.append(found.sentence())
    _write(plan.out / "student", found)
    return found


def load_estimator(teacher: EstimatorTeacher) -> Any:  # noqa: ANN401
    """A fitted model from a joblib file.

    Raises:
        PlanError: the file was not called trusted, for reading it runs what is in it; or it cannot be read.
    """
    if not teacher.trusted:
        raise PlanError("teacher.trusted: reading a joblib file runs what is in it; set it to true for a file of yours")
    import joblib

    try:
        return joblib.load(teacher.path)
    except Exception as error:  # a pickle raises what it likes
        raise PlanError(f"teacher.path: {teacher.path} cannot be read: {' '.join(str(error).split())[:200]}") from error


def read_table(path: Path, columns: tuple[str, ...]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Columns of numbers from Parquet or CSV, and their names.

    Raises:
        InputError: the file cannot be read, or a column is missing or holds no numbers.
    """
    try:
        table: pa.Table = pq.read_table(path) if path.suffix == ".parquet" else pacsv.read_csv(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"table {path} cannot be read: {error}") from error
    names = columns or tuple(table.column_names)
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise InputError(f"table {path} has no column {missing[0]!r}")
    for name in names:
        kind = table.schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            raise InputError(f"table {path}, column {name!r}: holds {kind}, not numbers; set corpus.columns")
    rows = np.column_stack([table[name].cast(pa.float64()).to_numpy() for name in names])
    return rows, names


def _fidelity(found: Surrogate) -> Interval:
    return Interval(found.fidelity.value, found.fidelity.low, found.fidelity.high)


def _write(folder: Path, found: Surrogate) -> None:
    kept = {
        "plan": asdict(found.plan),
        "names": list(found.names),
        "classes": list(found.classes),
        "fidelity": asdict(found.fidelity),
        "form": json.loads(json.dumps(asdict(found.form), default=_plain)),
    }
    write_whole(folder / "surrogate.json", json.dumps(kept, indent=2) + "\n")
    write_whole(folder / "surrogate.txt", "\n".join([found.sentence(), "", *in_words(found)]) + "\n")
    if isinstance(found.form, Tree):
        write_whole(folder / "tree.svg", draw_tree(found.form, found.names, found.classes))


def _plain(value: Any) -> Any:  # noqa: ANN401 - what json asks about
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
