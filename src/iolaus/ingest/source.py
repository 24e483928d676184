"""Finding the files of a source, and telling what each of them is."""

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa

from iolaus.errors import InputError

__all__ = ["SourceFile", "find_files", "open_bytes"]

Format = Literal["parquet", "jsonl", "csv"]
Compression = Literal["gzip", "zstd"]

FORMATS: Final[dict[str, Format]] = {
    ".parquet": "parquet",
    ".parq": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
}
COMPRESSIONS: Final[dict[str, Compression]] = {
    ".gz": "gzip",
    ".gzip": "gzip",
    ".zst": "zstd",
    ".zstd": "zstd",
}
MAGIC: Final[dict[bytes, Compression]] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
HEAD_BYTES: Final = 1 << 16
UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source.

    Attributes:
        path: where it lies.
        name: how reports call it: its path below the source's folder, so that moving the folder changes
            nothing.
        format: how its rows are written.
        compression: how its bytes are packed, None where they are plain (Parquet packs its own).
    """

    path: Path
    name: str
    format: Format
    compression: Compression | None


def find_files(source: str | Path) -> list[SourceFile]:
    """The files a source names, sorted by name.

    Args:
        source: a file, a folder (searched recursively; names that begin with a dot or an underscore are left
            out) or a glob pattern.

    Raises:
        InputError: nothing is there, or a file's format is unknown.
    """
    root = Path(source).expanduser()
    try:
        if root.is_dir():
            found = sorted(p for p in root.rglob("*") if p.is_file() and not _hidden(p.relative_to(root)))
            names = [p.relative_to(root).as_posix() for p in found]
            missing = f"{source}: the folder holds no files to read"
        elif root.exists():
            found, names, missing = [root], [root.name], ""
        elif glob.has_magic(str(root)):
            base = _fixed_part(root)
            hits = sorted(Path(p) for p in glob.glob(str(root), recursive=True))
            found = [p for p in hits if p.is_file() and not _hidden(p.relative_to(base))]
            names = [p.relative_to(base).as_posix() for p in found]
            missing = f"{source}: no file matches"
        else:
            found, names, missing = [], [], f"{source}: no such file or folder"
    except (OSError, ValueError) as error:
        raise InputError(f"{source}: cannot be opened: {_plain(error)}") from error
    if not found:
        raise InputError(missing)
    return [_describe(path, name) for path, name in zip(found, names, strict=True)]


def open_bytes(file: SourceFile) -> pa.NativeFile:
    """A stream over the file's unpacked bytes.

    Raises:
        OSError: it cannot be opened.
    """
    return pa.input_stream(str(file.path), compression=file.compression)


def read_head(file: SourceFile, size: int = HEAD_BYTES) -> bytes:
    """The file's first unpacked bytes, at most `size`.

    Raises:
        InputError: the bytes are UTF-16, which no reader here takes.
        OSError: the file cannot be opened or unpacked.
    """
    with open_bytes(file) as stream:
        head = bytes(stream.read(size))
    if head.startswith(UTF16):
        raise InputError(f"{file.path}: the file is UTF-16; save it as UTF-8")
    return head


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _fixed_part(pattern: Path) -> Path:
    """The folder above a pattern's first part that holds a wildcard."""
    base = Path(pattern.anchor)
    for part in pattern.relative_to(base).parts[:-1]:
        if glob.has_magic(part):
            break
        base = base / part
    return base


def _describe(path: Path, name: str) -> SourceFile:
    """Tell format and compression, by extension first and by the first bytes where that says nothing."""
    try:
        with path.open("rb") as plain:
            first = plain.read(4)
        suffixes = [s.lower() for s in path.suffixes]
        compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
        inner = suffixes[:-1] if compression else suffixes
        kind = FORMATS.get(inner[-1]) if inner else None
        if kind == "parquet" or (kind is None and first == b"PAR1"):
            return SourceFile(path, name, "parquet", None)
        for magic, packed in MAGIC.items():
            if compression is None and first.startswith(magic):
                compression = packed
        file = SourceFile(path, name, kind or "jsonl", compression)
        return file if kind else SourceFile(path, name, _sniff(path, read_head(file)), compression)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be opened: {_plain(error)}") from error


def _sniff(path: Path, head: bytes) -> Format:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    line = text.split(b"\n", 1)[0]
    if text.startswith(b"{"):
        return "jsonl"
    if b"," in line and b"\x00" not in line:
        return "csv"
    raise InputError(f"{path}: neither Parquet, JSON Lines nor CSV, by its name or its first bytes")


def _plain(error: BaseException) -> str:
    """An error's words on one line."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(words.split()) or type(error).__name__
