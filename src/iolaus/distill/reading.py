"""Reading a plan: a YAML file, flags on top of it, and one sentence for whatever does not fit."""

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from iolaus.distill.plan import Plan
from iolaus.errors import PlanError

__all__ = ["check_plan", "plan_keys", "read_plan"]


def read_plan(path: Path | None, flags: dict[str, str]) -> Plan:
    """The plan in a file with flags laid over it.

    Args:
        path: YAML (or JSON) file; None for flags alone.
        flags: dotted keys such as ``objective.temperature`` and their values as YAML.

    Raises:
        PlanError: the file cannot be read, or a key or value does not fit; names the key.
    """
    import yaml

    where = str(path) if path else "the flags"
    found: Any = {}
    if path is not None:
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError) as error:
            raise PlanError(f"plan {path} cannot be read: {error}") from error
        except yaml.YAMLError as error:
            raise PlanError(f"plan {path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise PlanError(f"plan {where} must be a table of keys, not {type(found).__name__}")
    for key, text in flags.items():
        _lay_over(found, key, yaml.safe_load(text), where)
    return check_plan(found, where)


def check_plan(found: dict[str, Any], where: str) -> Plan:
    """Validate a plan.

    Raises:
        PlanError: names the first key that does not fit, and what would.
    """
    try:
        return Plan.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part not in _TAGS) or "the plan"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise PlanError(f"{where}: {key}: {_words(first)}{more}") from error


def plan_keys() -> Iterator[tuple[str, str, str]]:
    """Every dotted key with its default and what it means."""
    yield from _keys("", Plan)


_KINDS = frozenset({"causal", "encoder", "endpoint", "estimator", "exchanges"})
_TAGS = _KINDS | {"layers", "static", "surrogate"}


def _words(error: Any) -> str:  # noqa: ANN401 - pydantic's own record
    if error["type"] == "extra_forbidden":
        return "there is no such key"
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "union_tag_invalid":
        return f"no kind is called {error['ctx']['tag']!r}; there are {error['ctx']['expected_tags']}"
    if error["type"] == "union_tag_not_found":
        return f"needs a kind, one of {', '.join(sorted(_KINDS))}"
    return f"{error['msg'][0].lower()}{error['msg'][1:]}, not {error['input']!r}"


def _lay_over(found: dict[str, Any], key: str, value: Any, where: str) -> None:  # noqa: ANN401 - any YAML value
    *path, last = key.split(".")
    part: Any = found
    for name in path:
        part = part.setdefault(name, {})
        if not isinstance(part, dict):
            raise PlanError(f"{where}: {name} is no table, so --{key} cannot be set in it")
    part[last] = value


def _keys(prefix: str, part: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    for name, field in part.model_fields.items():
        inner = [kind for kind in _options(field.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        for kind in inner:
            yield from _keys(f"{prefix}{name}.", kind)
        if not inner:
            default = "required" if field.is_required() else repr(field.default)
            yield f"{prefix}{name}", default, field.description or ""


def _options(kind: Any) -> list[Any]:  # noqa: ANN401 - a type annotation
    if get_origin(kind) is Annotated:
        return _options(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [one for option in get_args(kind) for one in _options(option)]
    return [kind]
