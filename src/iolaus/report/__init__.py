"""What people read of a run: one self-contained page, a closing table, a waterfall of evidence."""

from iolaus.report.contract import campaigns_schema
from iolaus.report.page import render_html, write_html
from iolaus.report.progress import progress
from iolaus.report.terminal import closing_table
from iolaus.report.waterfall import waterfall

__all__ = ["campaigns_schema", "closing_table", "progress", "render_html", "waterfall", "write_html"]
