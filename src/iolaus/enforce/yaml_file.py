"""Reading a YAML file into a checked form, with one sentence for whatever is wrong in it."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from iolaus.errors import InputError

__all__ = ["load_yaml"]

M = TypeVar("M", bound=BaseModel)


def load_yaml(path: Path, form: type[M]) -> M:
    """Read a file and check it.

    Raises:
        InputError: it cannot be read, is not YAML, or does not have the form; the text names the file and the place.
    """
    try:
        import yaml
    except ImportError as error:
        raise InputError(f"{path}: YAML is not installed: pip install 'iolaus[serve]'") from error
    try:
        return form.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: this is not YAML: {' '.join(str(error).split())[:200]}") from error
    except ValidationError as error:
        first, others = error.errors()[0], error.error_count() - 1
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        more = f" (and {others} more)" if others else ""
        raise InputError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}{more}") from error
