"""The picture of a race: what leaked over time, with Iolaus and without, as one self-contained page."""

from html import escape
from pathlib import Path
from typing import Final

from iolaus.errors import OutputError
from iolaus.race.run import RaceResult

__all__ = ["drawn", "write_picture"]

_WIDTH: Final = 760
_HEIGHT: Final = 300
_LEFT: Final = 64
_BOTTOM: Final = 36
_STYLE: Final = """
:root { color-scheme: light dark;
  --ink: #1d2733; --paper: #fff; --faint: #8795a5; --without: #b3412e; --with: #1f6f78; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf0; --paper: #14191f; --faint: #7c8996; --without: #f08a76; --with: #6cc3cc; }
}
body { margin: 2rem auto; max-width: 52rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); }
figure { margin: 1.5rem 0; } svg { width: 100%; height: auto; } text { font-size: 12px; fill: var(--faint); }
.axis { stroke: var(--faint); stroke-width: 1; } .line { fill: none; stroke-width: 2.5; }
.without { stroke: var(--without); } .with { stroke: var(--with); }
text.without { fill: var(--without); stroke: none; } text.with { fill: var(--with); stroke: none; }
table { border-collapse: collapse; } td, th { padding: .2rem 1rem .2rem 0; text-align: left; }
"""


def drawn(result: RaceResult) -> str:
    """The two curves as SVG."""
    days = max((day for day, _, _ in result.series), default=1.0)
    most = max(result.planned, 1)

    def place(day: float, count: int) -> str:
        x = _LEFT + (_WIDTH - _LEFT - 90) * day / days
        return f"{x:.1f},{_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - 16) * count / most:.1f}"

    last = result.series[-1] if result.series else (1.0, 0, 0)
    lines = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Leaked exchanges by day">',
        f'<path class="axis" d="M{place(0, most)} L{place(0, 0)} L{place(days, 0)}" fill="none"/>',
    ]
    for part in (0, most // 2, most):
        _, y = place(0, part).split(",")
        lines.append(f'<text x="{_LEFT - 8}" y="{float(y) + 4:.0f}" text-anchor="end">{part:,}</text>')
    for day in range(0, int(days) + 1, max(int(days) // 7, 1)):
        x, _ = place(day, 0).split(",")
        lines.append(f'<text x="{x}" y="{_HEIGHT - 14}" text-anchor="middle">day {day}</text>')
    for name, which, count in (("without", 2, last[2]), ("with", 1, last[1])):
        points = " ".join(place(row[0], int(row[which])) for row in result.series)
        x, y = place(last[0], int(count)).split(",")
        lines.append(f'<polyline class="line {name}" points="{points}"/>')
        said = "without" if name == "without" else "with Iolaus"
        lines.append(f'<text class="{name}" x="{float(x) + 6:.0f}" y="{float(y) + 4:.0f}">{said}</text>')
    return "\n".join([*lines, "</svg>"])


def write_picture(results: list[RaceResult], path: Path) -> None:
    """Write a page with a figure for each race.

    Raises:
        OutputError: it cannot be written; what was there before stays.
    """
    parts = [_part(result) for result in results]
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The race</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>What leaked, with Iolaus and without</h1>{''.join(parts)}"
        "</body></html>\n"
    )
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_text(page, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _part(result: RaceResult) -> str:
    told = result.to_json()
    first, joined = told["leaked_before_share"], told["joined_after_median"]
    rows = [
        (
            "answered of what the operator planned",
            f"{result.leaked:,} of {result.planned:,} ({told['leaked_share']:.0%})",
        ),
        ("before the first rightly refused request", "nothing was refused" if first is None else f"{first:.1%}"),
        ("accounts used, of them opened anew", f"{result.heads:,}, {result.opened:,}"),
        ("answered by the median account", f"{told['leaked_a_head_median'] or 0:.0f}"),
        (
            "exchanges of a new account until it was decided on (median)",
            "none was" if joined is None else f"{joined:.0f}",
        ),
        ("cover that the operator had to spend", f"{result.covers:,} exchanges"),
        ("innocent accounts touched, their exchanges refused", f"{result.benign_touched:,}, {result.benign_refused:,}"),
    ]
    table = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<h2>An operator of level L{result.level}</h2><figure>{drawn(result)}</figure><table>{table}</table>"
