"""Files of a gateway's or an instrumentation's own format to one JSON Lines file of the contract."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from iolaus.errors import InputError, OutputError
from iolaus.ingest.litellm import LiteLLMReading, SetAside, exchange_of
from iolaus.ingest.otel import exchanges_of
from iolaus.ingest.source import SourceFile, find_files, open_bytes

__all__ = ["convert_litellm", "convert_otel"]

# A file that is one document instead of one a line is read whole, up to this size.
_WHOLE: Final = 512 << 20


def convert_litellm(source: str, out: Path, reading: LiteLLMReading) -> dict[str, int]:
    """StandardLoggingPayloads to exchanges.

    Args:
        source: JSON or JSON Lines, plain, gzip or zstd: a file, a folder or a glob.
        out: the JSON Lines file to write, whole or not at all.
        reading: how payloads are read.

    Returns:
        How many rows were ``written``, and how many payloads were set aside, by reason.

    Raises:
        InputError: the source cannot be read.
        OutputError: the file cannot be written.
    """
    counts: Counter[str] = Counter()

    def rows() -> Iterator[dict[str, Any]]:
        seen: set[str] = set()
        for payload in _documents(source):
            try:
                row = exchange_of(payload, reading)
            except SetAside as reason:
                counts[str(reason)] += 1
                continue
            if row["exchange_id"] in seen:
                counts["repeated"] += 1
                continue
            seen.add(row["exchange_id"])
            yield row

    counts["written"] = _write(out, rows())
    return dict(counts)


def convert_otel(source: str, out: Path, access_log: str) -> dict[str, int]:
    """OTLP JSON of GenAI spans and log events, joined with an access log, to exchanges.

    Args:
        source: OTLP JSON, one export a line: a file, a folder or a glob.
        out: the JSON Lines file to write, whole or not at all.
        access_log: JSON Lines with ``account_id`` and ``trace_id`` or ``response_id``, and what else the contract has
            of the caller (ip, user_agent, api_key_id, ...).

    Returns:
        As for `convert_litellm`.

    Raises:
        InputError, OutputError: as for `convert_litellm`.
    """
    access: dict[str, dict[str, Any]] = {}
    for entry in _documents(access_log):
        if isinstance(entry, dict):
            for key in ("trace_id", "response_id"):
                if isinstance(name := entry.get(key), str):
                    access[name.lower() if key == "trace_id" else name] = entry
    if not access:
        raise InputError(f"{access_log}: no line has an account_id with a trace_id or a response_id")
    counts: dict[str, int] = {}
    written = _write(out, exchanges_of(_documents(source), access, counts))
    return {"written": written} | counts


def _documents(source: str) -> Iterator[object]:
    for file in find_files(source):
        try:
            yield from _of_file(file)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{file.path}: cannot be read: {' '.join(str(error).split())[:200]}") from error


def _of_file(file: SourceFile) -> Iterator[object]:
    """The documents of one file: one a line, or the whole file is one or an array of them."""
    with open_bytes(file) as stream:
        lines = _lines(stream)
        first = next(lines, b"")
        try:
            found = json.loads(first) if first else []
        except ValueError:
            whole = first + b"\n" + _rest(lines)
            try:
                found = json.loads(whole)
            except ValueError as error:
                raise InputError(f"{file.path}: neither JSON nor JSON Lines") from error
        yield from found if isinstance(found, list) else [found]
        for number, line in enumerate(lines, 2):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise InputError(f"{file.path}: line {number} is not JSON") from error


def _rest(lines: Iterable[bytes]) -> bytes:
    """What is left of a file.

    Raises:
        InputError: it is too much to be one document.
    """
    held, size = [], 0
    for line in lines:
        size += len(line)
        if size > _WHOLE:
            raise InputError(f"a document is longer than {_WHOLE >> 20} MB")
        held.append(line)
    return b"\n".join(held)


def _lines(stream: pa.NativeFile) -> Iterator[bytes]:
    held = b""
    while data := bytes(stream.read(1 << 20)):
        *whole, held = (held + data).split(b"\n")
        yield from whole
    if held:
        yield held


def _write(out: Path, rows: Iterable[dict[str, Any]]) -> int:
    beside = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    written = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "w", encoding="utf-8", errors="replace") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                written += 1
        beside.replace(out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
    return written
