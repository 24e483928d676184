"""Values in the many forms logs have them."""

import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingest_logs import write

from iolaus.errors import InputError
from iolaus.ingest import Rejects, read_exchanges
from iolaus.ingest.coerce import coerce
from iolaus.schema import EXCHANGES, TIMESTAMP

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
EPOCH = int(NOON.timestamp() * 1_000_000)
ROW = {"exchange_id": "e", "timestamp": NOON.isoformat(), "account_id": "a", "prompt": "p"}


def read(path):
    rejects = Rejects("nowhere")
    stream = read_exchanges(path, rejects)
    return pa.Table.from_batches(stream, schema=EXCHANGES).to_pylist(), rejects


def lines(tmp_path, *rows):
    """Write lines of JSON (bytes go as they are) and read them."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join((r if isinstance(r, bytes) else json.dumps(ROW | r).encode()) + b"\n" for r in rows))
    return read(path)


@pytest.mark.parametrize(
    ("value", "naive"),
    [
        ("2026-03-01T12:00:00.250Z", 0),
        ("2026-03-01 13:00:00.250000+01:00", 0),
        ("2026-03-01T13:00:00.25+0100", 0),
        ("2026-03-01T12:00:00.250000000Z", 0),
        ("20260301T120000.250Z", 0),
        ("2026-03-01 12:00:00.250 UTC", 0),
        ("2026-03-01T12:00:00.250", 1),
        (EPOCH, 0),
        (EPOCH // 1000, 0),
        (EPOCH * 1000, 0),
        (EPOCH / 1_000_000, 0),
        (str(EPOCH), 0),
        (f"{EPOCH / 1_000_000}", 0),
    ],
)
def test_a_time_in_any_form(tmp_path, value, naive):
    # beside a row of another form, so that the column as a whole cannot be cast
    for others in ([], [{"timestamp": "2026-03-01T12:00:00.250+00:00"}], [{"timestamp": EPOCH}]):
        rows, rejects = lines(tmp_path, {"timestamp": value}, *others)
        assert [row["timestamp"] for row in rows] == [NOON] * (1 + len(others))
        noted = (f"exchanges, timestamp: times without a zone, taken as UTC: {naive}",) if naive else ()
        assert rejects.notes == noted


@pytest.mark.parametrize(
    "value",
    ["", "soon", "2026-02-30T00:00:00Z", "1969-12-31T00:00:00Z", 0, -1, 10**30, 1e300, True, [1], {"t": 1}],
)
def test_what_is_no_time_rejects_the_row(tmp_path, value):
    rows, rejects = lines(tmp_path, {"timestamp": value}, {})
    assert len(rows) == 1
    assert rejects.count == 1
    assert next(iter(rejects.counts)).startswith("timestamp: ")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_arrow_times_of_any_unit_and_zone(unit, zone):
    noon = NOON.replace(microsecond=0)
    raw = pa.array([noon, None]).cast(pa.timestamp(unit, zone))
    column = coerce(raw, TIMESTAMP)
    assert column.values.to_pylist() == [noon, None]
    assert column.naive == (0 if zone else 1)
    absurd = pa.array([2**62, -(2**62), 0], pa.int64()).view(pa.timestamp(unit, zone))
    assert coerce(absurd, TIMESTAMP).values.null_count == (2 if unit == "ns" else 3) or unit == "ns"


@pytest.mark.parametrize(
    "raw",
    [
        pa.array([7, 0, None, None], pa.int8()),
        pa.array([7.0, 0.0, float("nan"), None]),
        pa.array(["7", " 0 ", "", None]),
        pa.array(["7.0", "0", None, None], pa.large_string()),
        pa.array(["7", "0", None, None]).dictionary_encode(),
        pa.array([b"7", b"0", None, None]),
        pa.array([7, 0, None, None], pa.uint64()),
        pa.array([7, 0, None, None], pa.decimal128(9, 2)),
        pa.array(["7", "0", None, None], pa.string_view()),
    ],
)
def test_integers_in_any_form(raw):
    column = coerce(raw, pa.int32())
    assert column.values.equals(pa.array([7, 0, None, None], pa.int32()))
    assert column.unreadable is None


@pytest.mark.parametrize(
    "raw",
    [
        pa.array([1, 2**40, -1, 2**31]),
        pa.array([1, 2**63, 2**64 - 1, 2**31], pa.uint64()),
        pa.array([1.0, 1.5, 1e300, float("inf")]),
        pa.array(["1", "x", "-1", "99999999999999999999"]),
    ],
)
def test_integers_out_of_range_become_null(raw):
    column = coerce(raw, pa.int32())
    assert column.values.to_pylist() == [1, None, None, None]
    assert column.unreadable.tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    "raw",
    [
        pa.array([1, 0, 3]),
        pa.array([1.0, 0.0, 0.5]),
        pa.array(["TRUE", "false", "maybe"]),
        pa.array(["1", "0", "2"]),
    ],
)
def test_booleans_in_any_form(raw):
    assert coerce(raw, pa.bool_()).values.to_pylist() == [True, False, None]


def test_every_arrow_type_comes_to_every_contract_type_or_to_null():
    kinds = [
        pa.bool_(),
        pa.int8(),
        pa.uint64(),
        pa.float16(),
        pa.float32(),
        pa.date32(),
        pa.date64(),
        pa.time64("us"),
    ]
    kinds += [pa.duration("s"), pa.null(), pa.binary(3), pa.list_(pa.int8()), pa.struct([("a", pa.int8())])]
    kinds += [
        pa.map_(pa.string(), pa.int8()),
        pa.decimal256(50, 3),
        pa.month_day_nano_interval(),
        pa.timestamp("s"),
    ]
    for kind in kinds:
        for field in EXCHANGES:
            column = coerce(pa.nulls(3, kind), field.type)
            assert column.values.equals(pa.nulls(3, field.type)), kind
    for raw in (
        pa.array([True]),
        pa.array([NOON.date()]),
        pa.array([np.float16(2)]),
        pa.array([NOON.time()]),
    ):
        for field in EXCHANGES:
            assert coerce(raw, field.type).values.type == field.type


def test_ids_that_are_numbers_become_text(tmp_path):
    rows, _ = lines(tmp_path, {"exchange_id": 12, "account_id": 7.0}, {"exchange_id": 2**70, "account_id": "x"})
    assert [(r["exchange_id"], r["account_id"]) for r in rows] == [("12", "7"), (str(2**70), "x")]
    assert coerce(pa.array([123.0, 0.5]), pa.string()).values.to_pylist() == ["123", "0.5"]


def test_content_parts_become_text(tmp_path):
    parts = [
        {"type": "text", "text": "one"},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "two"},
    ]
    rows, rejects = lines(
        tmp_path,
        {"prompt": parts},
        {"prompt": [1]},
        {"prompt": {"text": "x"}},
        {"response": {"a": 1}},
        {"system": parts},
    )
    assert [row["prompt"] for row in rows] == ["one\ntwo", "p", "p"]
    assert rows[2]["system"] == "one\ntwo"
    assert rejects.counts == {"prompt: cannot be read": 2}
    assert rejects.notes == ("exchanges, response: values that cannot be read, taken as missing: 1",)
    nested = pa.array([[{"type": "text", "text": "one"}], None, [{"type": "image", "text": None}]])
    assert coerce(nested, pa.string()).values.to_pylist() == ["one", None, None]


def test_lone_surrogates_nul_bytes_and_invalid_utf8_keep_their_rows(tmp_path):
    raw = json.dumps(ROW)
    rows, rejects = lines(
        tmp_path,
        raw.replace('"p"', r'"a\ud800b"').encode(),
        raw.replace('"p"', r'"\ud83d\ude00\udc00"').encode(),
        raw.replace('"p"', r'"a\u0000b"').encode(),
        raw.replace('"p"', '"a\0b"').encode(),
        raw.encode().replace(b'"p"', b'"a\xffb"'),
    )
    assert [row["prompt"] for row in rows] == ["a\ufffdb", "\U0001f600\ufffd", "a\0b", "a\0b", "a\ufffdb"]
    assert rejects.count == 0
    assert rejects.notes == ("exchanges, prompt: texts that were not valid Unicode, mended with U+FFFD: 3",)


def test_invalid_utf8_in_parquet_and_csv(tmp_path):
    columns = {name: pa.array([value.encode()] * 2) for name, value in ROW.items()}
    columns["prompt"] = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff", b"ok"]).buffers())
    pq.write_table(pa.table(columns), tmp_path / "log.parquet")
    (tmp_path / "log.csv").write_bytes(
        (",".join(ROW) + "\n" + ",".join(ROW.values())[:-1]).encode() + b"\xff\n" + ",".join(ROW.values()).encode()
    )
    for form in ("parquet", "csv"):
        rows, rejects = read(tmp_path / f"log.{form}")
        assert rows[0]["prompt"] == "\ufffd"
        assert len(rejects.notes) == 1


def test_a_bad_line_costs_itself_only(tmp_path):
    good = [{"exchange_id": f"e{i}", "prompt": "x" * 700} for i in range(2000)]
    rows, rejects = lines(tmp_path, *good[:500], b"{", b"", b"7", b"[" * 100_000, *good[500:], b'{"exchange_id": 1}{}')
    assert [row["exchange_id"] for row in rows] == [row["exchange_id"] for row in good]
    assert [(r.row, r.reason) for r in rejects._kept] == [
        (501, "the line is not JSON"),
        (503, "the line is not a JSON object"),
        (504, "the line is not JSON"),
        (2005, "the line is not JSON"),
    ]


def test_a_line_of_null_is_no_object_and_ends_nothing(tmp_path):
    rows, rejects = lines(tmp_path, b"null", {"exchange_id": "e1"}, b" null", b"null", {"exchange_id": "e2"})
    assert [row["exchange_id"] for row in rows] == ["e1", "e2"]
    assert [r.row for r in rejects._kept] == [1, 3, 4]
    assert {r.reason for r in rejects._kept} == {"the line is not a JSON object"}


def test_types_may_change_on_the_way(tmp_path):
    good = [{"input_tokens": 5, "account_id": 1}] * 900 + [{"input_tokens": "6", "account_id": "x"}] * 900
    rows, rejects = lines(tmp_path, *good)
    assert [row["input_tokens"] for row in rows] == [5] * 900 + [6] * 900
    assert (rejects.count, rejects.notes) == (0, ())


def test_ten_megabyte_prompts(tmp_path):
    prompt = 'He said "x",\n' * 700_000
    for form in ("jsonl", "csv", "parquet"):
        rows = [ROW | {"timestamp": NOON, "prompt": prompt, "exchange_id": str(i)} for i in range(7)]
        path = write(tmp_path / f"log.{form}", rows)
        stream = read_exchanges(path, Rejects("nowhere"))
        batches = [(batch.num_rows, batch.nbytes, batch["prompt"][0].as_py() == prompt) for batch in stream]
        assert sum(rows for rows, _, _ in batches) == 7
        assert all(size < 80 << 20 and same for _, size, same in batches)


def test_dictionaries_are_counted_written_out(tmp_path):
    raw = pa.array(["y" * (1 << 20)] * 200).dictionary_encode()
    columns = {name: pa.array([value] * 200) for name, value in ROW.items()} | {"prompt": raw}
    pq.write_table(pa.table(columns), tmp_path / "log.parquet")
    batches = list(read_exchanges(tmp_path / "log.parquet", Rejects("nowhere")))
    assert sum(batch.num_rows for batch in batches) == 200
    assert max(batch.nbytes for batch in batches) < 70 << 20


def test_csv_oddities(tmp_path):
    path = tmp_path / "log.csv"
    good = ",".join(ROW.values())
    path.write_bytes(
        b"\xef\xbb\xbf"
        + ",".join(f" {name}" for name in ROW).encode()
        + b",extra\r\n"
        + f"{good},\r\nshort\r\n{good},1\r\n\r\n{good},1,2,3\r\n".encode()
        + f'"e",{NOON.isoformat()},a,"",x\r\n"e",,a,"",x\r\n'.encode()
    )
    rows, rejects = read(path)
    assert [row["prompt"] for row in rows] == ["p", "p", ""]
    assert [(r.row, r.column) for r in sorted(rejects._kept)] == [(2, None), (4, None), (6, "timestamp")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("log.parquet", b"", "cannot be read as Parquet"),
        ("log.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
        ("log.csv", b"", "the file is empty"),
        ("log.csv", b"a,a\n1,2\n", "the column exchange_id is missing"),
        ("log.csv", b"prompt, prompt\n1,2\n", "column prompt is there more than once"),
        ("log.csv", "exchange_id".encode("utf-16"), "UTF-16"),
        ("log.jsonl", b' [{"exchange_id": 1}]', "JSON array"),
        ("log.jsonl.gz", b"\x1f\x8b\x08\x00oops", "log.jsonl.gz"),
        ("log.jsonl.zst", b"not zstd at all", "log.jsonl.zst"),
        ("log.txt", b"hello", "neither Parquet, JSON Lines nor CSV"),
        ("log", b"\x00\x01\x02", "neither Parquet, JSON Lines nor CSV"),
        ("log.csv", b'exchange_id,timestamp,account_id,prompt\n"e,1,2,3\na,b,c,d\n', "never closed"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_sources_that_are_not_there(tmp_path):
    (tmp_path / "_only").write_text("")
    for source in (tmp_path / "no", tmp_path, f"{tmp_path}/*.csv", "a\0b", ""):
        with pytest.raises(InputError):
            read_exchanges(source, Rejects("nowhere")) if source else read_exchanges(tmp_path / "", Rejects("x"))


def test_an_empty_log_has_no_rows(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(b"\n")
    assert read(tmp_path / "log.jsonl")[0] == []
    (tmp_path / "log.csv").write_text("exchange_id,timestamp,account_id,prompt")
    assert read(tmp_path / "log.csv")[0] == []
