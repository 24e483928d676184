"""The published JSON Schema of campaigns.json."""

import json
from importlib.resources import files
from typing import Any, cast

__all__ = ["campaigns_schema"]


def campaigns_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of campaigns.json, a fresh copy with each call."""
    text = (files("iolaus") / "schemas" / "campaigns.schema.json").read_text(encoding="utf-8")
    return cast(dict[str, Any], json.loads(text))
