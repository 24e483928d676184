"""The comparison as one self-contained HTML page."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from iolaus.provenance.comparison.compare import TRIAGE, Comparison

__all__ = ["render_comparison"]


def render_comparison(found: Comparison) -> str:
    """The page; it needs no network, and says at its head and foot that it is triage only."""
    environment = Environment(
        loader=PackageLoader("iolaus.provenance.comparison"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("comparison.html").render(found=found, triage=TRIAGE)
