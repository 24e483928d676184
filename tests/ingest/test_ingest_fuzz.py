"""Whatever the bytes: counted rejects or an InputError of one line, never another exception."""

import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_logs import make_rows, to_table, write

from iolaus.errors import InputError
from iolaus.ingest import Rejects, read_accounts, read_exchanges
from iolaus.schema import EXCHANGES

QUIET = settings(max_examples=70, suppress_health_check=list(HealthCheck))
ROWS = make_rows(12)
IDS = {row["exchange_id"] for row in ROWS}


def read_anything(name: str, content: bytes, *, whole: bool = False) -> int:
    """Read both tables from the bytes; returns how many rows the exchanges gave.

    Where the file is `whole`, only its values can be wrong: that is no InputError.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        rows = 0
        try:
            rejects = Rejects(Path(folder) / "rejects.jsonl")
            stream = read_exchanges(path, rejects)
            for batch in stream:
                assert batch.schema.equals(EXCHANGES)
                batch.validate(full=True)
                rows += batch.num_rows
            assert rows + rejects.count == stream.read
            rejects.close()
        except InputError as error:
            assert not whole, error
            assert "\n" not in str(error)
            assert name in str(error)
        try:
            read_accounts(path, Rejects("nowhere")).validate(full=True)
        except InputError as error:
            assert "\n" not in str(error)
        return rows


def written(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / name, ROWS).read_bytes()


TEXTS = {name: written(name) for name in ("x.jsonl", "x.csv", "x.jsonl.gz", "x.csv.zst", "x.parquet")}
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 3),
        st.one_of(
            st.binary(max_size=3),
            st.sampled_from([b'"', b"\n", b"\0", b"{", b"[", b",", b"\r", b"\\ud800", b"\xff"]),
        ),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
@QUIET
@given(changes=CHANGES)
def test_mutated_text(name, changes):
    content = TEXTS[name]
    for where, removed, added in changes:
        at = int(where * len(content))
        content = content[:at] + added + content[at + removed :]
    read_anything(name, content)


@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.csv.zst"])
@settings(QUIET, max_examples=50)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_mutated_archives(name, where, bit):
    content = bytearray(TEXTS[name])
    content[int(where * len(content))] ^= 1 << bit
    read_anything(name, bytes(content))


@pytest.mark.parametrize("name", sorted(TEXTS))
@settings(QUIET, max_examples=40)
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_files(name, share):
    rows = read_anything(name, TEXTS[name][: int(share * len(TEXTS[name]))])
    assert rows <= len(ROWS)


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv", "x.json.gz", "x", "x.parquet"])
@settings(QUIET, max_examples=30)
@given(content=st.binary(max_size=200))
def test_any_bytes(name, content):
    read_anything(name, content)


VALUES = {
    "text": st.text(max_size=8),
    "integers": st.integers(-(2**63), 2**63 - 1),
    "floats": st.floats(),
    "booleans": st.booleans(),
    "bytes": st.binary(max_size=8),
    "times": st.datetimes(),
    "dates": st.dates(),
    "lists": st.lists(st.integers(0, 9), max_size=2),
    "parts": st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=4)}), max_size=2),
}


@settings(QUIET, max_examples=60)
@given(data=st.data())
def test_wrong_types_and_shuffled_columns(data):
    table = to_table(ROWS[:4])
    columns = {name: table[name] for name in data.draw(st.permutations(table.column_names))}
    for name in data.draw(st.lists(st.sampled_from(table.column_names), min_size=1, max_size=4)):
        kind = data.draw(st.sampled_from(sorted(VALUES)))
        values = data.draw(st.lists(st.none() | VALUES[kind], min_size=4, max_size=4))
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowException, UnicodeEncodeError):
            continue
    sink = pa.BufferOutputStream()
    try:
        pq.write_table(pa.table(columns), sink)
    except pa.ArrowException:
        return
    read_anything("x.parquet", sink.getvalue().to_pybytes(), whole=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["text", "type"]), inner, max_size=2),
    max_leaves=4,
)


@settings(QUIET, max_examples=60)
@given(rows=st.lists(st.dictionaries(st.sampled_from(EXCHANGES.names), JSON, max_size=6), max_size=5))
def test_json_of_any_shape(rows):
    good = TEXTS["x.jsonl"]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    assert read_anything("x.jsonl", good + lines, whole=True) >= len(ROWS)


@settings(QUIET, max_examples=50)
@given(rows=st.lists(st.dictionaries(st.sampled_from(EXCHANGES.names), JSON, max_size=25), max_size=5))
def test_the_fast_and_the_patient_way_agree(rows):
    """A line that Arrow refuses sends its neighbours the patient way; they must come out the same."""
    base = {k: v.isoformat() if k == "timestamp" else v for k, v in ROWS[0].items()}
    lines = "".join(json.dumps(base | row) + "\n" for row in rows).encode()
    with tempfile.TemporaryDirectory() as folder:
        tables = []
        for extra in (b"", b"{\n"):
            path = Path(folder) / "x.jsonl"
            path.write_bytes(TEXTS["x.jsonl"] + lines + extra)
            rejects = Rejects("nowhere")
            table = pa.Table.from_batches(read_exchanges(path, rejects), schema=EXCHANGES)
            tables.append((table.to_pylist(), rejects.count - len(extra) // 2, rejects.notes))
    assert tables[0] == tables[1]
