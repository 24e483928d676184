"""The version of what reads and sketches: what another one has kept cannot be used."""

import hashlib
import sys
from importlib.resources import files
from typing import Final

import pyarrow as pa

__all__ = ["SOURCES", "reading_version"]

# Every file of the package that has a say in what a segment holds.
SOURCES: Final = {
    "iolaus": ("schema.py",),
    "iolaus.ingest": (
        "chunk.py", "coerce.py", "conform.py", "csv.py", "jsonl.py", "lines.py", "opening.py", "parquet.py",
        "rejects.py", "source.py", "stream.py", "timestamps.py",
    ),
    "iolaus.text": ("jit.py", "lexicon.py", "sketch.py", "tokens.py"),
    "iolaus.detect": ("kept.py",),
    "iolaus.detect.state": ("segment.py", "update.py"),
}  # fmt: skip


def reading_version() -> str:
    """Digest of the code that reads and sketches, of Arrow's version and of Python's.

    The code stands for its constants and for how they are used: whichever of them changes, what was kept is of no
    use, and no one has to remember to raise a number.
    """
    digest = hashlib.sha256(f"{pa.__version__} {sys.version_info[:2]}".encode())
    for package, names in SOURCES.items():
        for name in names:
            digest.update(files(package).joinpath(name).read_bytes())
    return digest.hexdigest()
