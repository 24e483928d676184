"""The case in plain words: one page that needs no network."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["render_case"]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("iolaus.provenance"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["chance"] = chance
    return environment


def chance(p: float) -> str:
    """A small chance in words that a reader can picture."""
    if p >= 0.01:
        return f"{p:.2g}"
    return f"1 in {1 / p:,.0f}" if p > 1e-15 else "less than 1 in a million billion"


def render_case(case: dict[str, Any], *, redacted: bool = False) -> str:
    """The page of a case.

    Args:
        case: the case file's content.
        redacted: show no excerpt; the case must be redacted too.

    Returns:
        HTML.
    """
    plan, result = case["plan"]["entry"]["plan"], case["result"]
    excerpts = [] if redacted else [_excerpt(row) for row in case["exchanges"][:3]]
    groups = {
        family: sorted(found.items(), key=lambda item: (item[1]["p_value"], item[0]))[:50]
        for family, found in case["groups"].items()
        if found
    }
    shown = {family: (rows, len(case["groups"][family])) for family, rows in groups.items()}
    page = _environment().get_template("case.html")
    return page.render(case=case, plan=plan, result=result, excerpts=excerpts, groups=shown, redacted=redacted)


def _excerpt(row: dict[str, Any]) -> dict[str, Any]:
    def cut(text: str) -> str:
        printable = "".join(c if c.isprintable() else " " for c in text)
        return printable if len(printable) <= 160 else printable[:160] + " …"

    entry = row["entry"]
    answers = [
        {"text": cut(text), "served": i == row["coin"], "points": row["points"][i]}
        for i, text in enumerate(entry["candidates"])
    ]
    return {"seq": entry["seq"], "prompt": cut(entry["prompt"]), "answers": answers}
