"""Putting a run's results into the repository: the JSON, the tables in docs/benchmark.md, the picture."""

import shutil
from pathlib import Path
from typing import Any, Final

from benchmarks import record

__all__ = ["publish"]

_ROOT: Final = Path(__file__).parents[2]
_PAGE: Final = _ROOT / "docs" / "benchmark.md"
_IMAGES: Final = _ROOT / "docs" / "images"
_BEGIN, _END = "<!-- results: written by python -m benchmarks detection --publish -->", "<!-- end of results -->"


def publish(document: dict[str, Any], table: str, picture: Path | None) -> list[Path]:
    """Write all three; the page's own words stand.

    Args:
        document: the results.
        table: the tables as Markdown, put between the page's two marks.
        picture: the picture that was drawn, or None.

    Returns:
        What was written.

    Raises:
        ValueError: where the page lacks its marks.
    """
    page = _PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{_PAGE} lacks the marks between which the results go")
    shown = [f"![Recall against dilution](images/{picture.name})", ""] if picture else []
    beside = _PAGE.with_suffix(".tmp")
    beside.write_text(before + "\n".join([_BEGIN, "", *shown, table.strip(), "", _END]) + after, encoding="utf-8")
    beside.replace(_PAGE)
    written = [record.write("detection", document, Path(__file__).parent / "results"), _PAGE]
    if picture:
        _IMAGES.mkdir(parents=True, exist_ok=True)
        written.append(Path(shutil.copy(picture, _IMAGES / picture.name)))
    return written
