"""SQL as named steps: each is one SELECT, and a pipeline joins them as common table expressions.

The steps keep to a portable subset of SQL: no quantile, entropy or mode functions, instants as integers of
microseconds, ties broken by name. So a second engine can run the very same steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Parameter", "Pipeline", "Step"]

Parameter = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Step:
    """One named SELECT.

    Attributes:
        name: the name by which later steps read its rows.
        sql: the SELECT; it may read tables, and steps before it, by name, and parameters as ``$parameter``.
        parameters: values of the parameters it names.
    """

    name: str
    sql: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps in order; the last one is the answer."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse what could not run: no step, or one name for two."""
        names = [step.name for step in self.steps]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a pipeline needs steps of distinct names, not {names}")

    @property
    def name(self) -> str:
        """Name of the last step, which is the pipeline's answer."""
        return self.steps[-1].name

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters of all steps; one name has one value."""
        merged: dict[str, Parameter] = {}
        for step in self.steps:
            for name, value in step.parameters.items():
                if merged.setdefault(name, value) != value:
                    raise ValueError(f"parameter {name!r} has two values")
        return merged

    def sql(self) -> str:
        """The whole pipeline as one statement."""
        *before, last = self.steps
        if not before:
            return last.sql
        ctes = ",\n".join(f"{step.name} AS (\n{step.sql}\n)" for step in before)
        return f"WITH {ctes}\n{last.sql}"
