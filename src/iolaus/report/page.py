"""The report as one self-contained HTML page."""

import contextlib
import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from iolaus.campaign import Casebook
from iolaus.errors import OutputError
from iolaus.report import printable
from iolaus.report.redact import redacted
from iolaus.report.view import page_view

__all__ = ["render_html", "write_html"]


def _visible(value: Any) -> Any:  # noqa: ANN401 - Jinja hands over whatever an expression gave
    # Runs on every value that a template prints, before it is escaped: nothing hostile can be forgotten.
    return printable.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("iolaus.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("count", "instant", "plural", "power", "share", "short"):
        environment.filters[name] = getattr(printable, name)
    return environment


def _asset(name: str) -> Markup:
    """A file of the package's own, trusted, set into the page as it is."""
    return Markup((files("iolaus.report") / "static" / name).read_text(encoding="utf-8"))


def render_html(casebook: Casebook, *, redact: bool = False) -> str:
    """The report as one page that needs no network; the same casebook gives the same text.

    Args:
        casebook: what a run found, with its dossiers.
        redact: leave out all text of prompts, responses and templates, and name accounts and exchanges by
            ordinals. That hides them from casual eyes; whoever holds the log can match counts and times.

    Returns:
        HTML; it holds no lone surrogates, so it can be written as UTF-8.
    """
    view = page_view(redacted(casebook) if redact else casebook, redact)
    page = _environment().get_template("report.html")
    return page.render(view=view, css=_asset("report.css"), js=_asset("report.js"))


def write_html(casebook: Casebook, path: Path | str, *, redact: bool = False) -> None:
    """Write the report; a file already there is replaced only when the new one is complete.

    Args:
        casebook: what a run found, with its dossiers.
        path: where to write.
        redact: as in ``render_html``.

    Raises:
        OutputError: the file cannot be written.
    """
    target = Path(path)
    part = target.with_name(target.name + ".part")
    page = render_html(casebook, redact=redact).encode("utf-8")
    try:
        part.write_bytes(page)
        os.replace(part, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise OutputError(f"cannot write the report {target}: {error.strerror or error}") from error
