"""Reading a mark as the server's configuration writes it down."""

import json
from pathlib import Path
from typing import Any

from iolaus.errors import InputError
from iolaus.provenance.radioactivity.gumbel import Gumbel
from iolaus.provenance.radioactivity.kgw import GreenList
from iolaus.provenance.radioactivity.synthid import SynthId
from iolaus.provenance.radioactivity.windows import Mark

__all__ = ["mark_from", "read_mark"]


def read_mark(path: Path, vocabulary: int) -> Mark:
    """Read a JSON file, such as transformers' `WatermarkingConfig.to_json_file` writes.

    Args:
        path: the file.
        vocabulary: rows of the teacher's output; the file's own ``vocab_size`` goes before it.

    Raises:
        InputError: the file cannot be read or describes no mark that is known.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no JSON object")
    try:
        return mark_from(found, vocabulary)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def mark_from(settings: dict[str, Any], vocabulary: int) -> Mark:
    """A mark from the fields of a configuration.

    ``hashing_key`` with ``greenlist_ratio`` (transformers' `WatermarkingConfig`), ``keys`` with ``ngram_len``
    (`SynthIDTextWatermarkingConfig`), or ``gumbel_key`` with ``context_width``.

    Raises:
        InputError: a field is missing, of the wrong kind, or asks for what is not supported.
    """
    vocabulary = _number(settings, "vocab_size", vocabulary)
    if "keys" in settings:
        keys = settings["keys"]
        if not isinstance(keys, list) or not all(type(key) is int for key in keys):
            raise InputError("keys must be a list of whole numbers")
        table = _number(settings, "sampling_table_size", 2**16)
        return SynthId(
            tuple(keys), _number(settings, "ngram_len", None), table, _number(settings, "sampling_table_seed", 0)
        )
    if "hashing_key" in settings:
        if settings.get("seeding_scheme", "lefthash") != "lefthash":
            raise InputError("of the green lists' seeding schemes only lefthash is supported")
        ratio = settings.get("greenlist_ratio", 0.25)
        if not isinstance(ratio, int | float) or not 0 < ratio < 1:
            raise InputError(f"greenlist_ratio must lie between 0 and 1, not {ratio!r}")
        device = settings.get("device", "cpu")
        return GreenList(_number(settings, "hashing_key", None), vocabulary, float(ratio), str(device))
    if "gumbel_key" in settings:
        return Gumbel(_number(settings, "gumbel_key", None), vocabulary, _number(settings, "context_width", 4))
    raise InputError("no mark is described: there is neither hashing_key nor keys nor gumbel_key")


def _number(settings: dict[str, Any], name: str, default: int | None) -> int:
    found = settings.get(name, default)
    if type(found) is not int:
        raise InputError(f"{name} must be a whole number, not {found!r}")
    return found
