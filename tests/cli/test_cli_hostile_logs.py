"""Logs that are broken, odd or hostile: one clear sentence and status 2, or counted rejects, never a traceback."""

import gzip
import json
import os
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from cli_running import START, checked, detect, jsonl, parquet, rows

ROWS = rows()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.7, 0.999])
def test_truncated_parquet_is_refused(tmp_path, share):
    path = parquet(tmp_path / "log.parquet", ROWS)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert f"{path}: cannot be read as Parquet" in detect(path, tmp_path / "out").refused()


def test_parquet_with_damaged_pages_is_refused(tmp_path):
    path = parquet(tmp_path / "log.parquet", rows(500))
    damaged = bytearray(path.read_bytes())
    for at in range(200, len(damaged) // 2, 11):
        damaged[at] ^= 0x55
    path.write_bytes(damaged)
    assert str(path) in detect(path, tmp_path / "out").refused()


@pytest.mark.parametrize("name", ["log.jsonl.gz", "log.csv.zst", "log.jsonl"])
@pytest.mark.parametrize("content", [b"\x00\x01\x02\xff" * 40, b"\x1f\x8b\x08\x00garbage", b"\x28\xb5\x2f\xfdgarbage"])
def test_bytes_that_are_no_log_are_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert name in detect(path, tmp_path / "out").refused()


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("timestamp", pa.array(["soon"] * 24)),
        ("timestamp", pa.array([True] * 24)),
        ("prompt", pa.array([{"a": 1}] * 24)),
        ("account_id", pa.array([None] * 24, pa.string())),
        ("account_id", pa.array([""] * 24)),
        ("exchange_id", pa.array([[1, 2]] * 24)),
    ],
)
def test_a_required_column_of_the_wrong_type_is_named_with_file_and_row(tmp_path, column, values):
    path = parquet(tmp_path / "log.parquet", ROWS, **{column: values})
    said = detect(path, tmp_path / "out").refused()
    assert "24 of 24 rows cannot be used" in said and f"{column}: " in said and "log.parquet row 1)" in said


def test_other_columns_of_the_wrong_type_become_missing_and_are_counted(tmp_path):
    log = parquet(
        tmp_path / "log.parquet",
        ROWS,
        input_tokens=pa.array(["many"] * 24),
        status_code=pa.array([-1] * 24),
        ip=pa.array([{"v4": 1}] * 24),
        response=pa.array(range(24)),
    )
    said = detect(log, tmp_path / "out").fine()
    assert checked(tmp_path / "out")["exchanges"] == 24
    for column in ("input_tokens", "status_code", "ip"):
        assert f"{column}: values that cannot be read, taken as missing: 24" in " ".join(said.split())


def test_a_few_repeated_exchange_ids_are_counted_and_named(tmp_path):
    log = jsonl(tmp_path / "log.jsonl", [*rows(100), *rows(3, prompt="another")])
    assert "3 rows could not be used" in " ".join(detect(log, tmp_path / "out").fine().split())
    assert checked(tmp_path / "out")["exchanges"] == 100
    kept = [json.loads(line) for line in (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()]
    assert [k["exchange_id"] for k in kept] == ["e00000", "e00001", "e00002"]
    assert {k["reason"] for k in kept} == {"repeats an exchange_id"}


def test_many_repeated_exchange_ids_stop_the_run(tmp_path):
    log = jsonl(tmp_path / "log.jsonl", [*rows(20), *rows(10)])
    said = detect(log, tmp_path / "out").refused()
    assert "10 of 30 rows" in said and "repeats an exchange_id" in said
    detect(log, tmp_path / "out", "--max-rejects", "0.5").fine()
    assert checked(tmp_path / "out")["exchanges"] == 20


def test_naive_times_are_utc_and_said_to_be(tmp_path):
    naive = pa.array([r["timestamp"].replace(tzinfo=None) for r in ROWS], pa.timestamp("us"))
    said = detect(parquet(tmp_path / "log.parquet", ROWS, timestamp=naive), tmp_path / "out").fine()
    assert "times without a zone, taken as UTC: 24" in said
    assert checked(tmp_path / "out")["until"].startswith("2026-03-01T12:23:00")


@pytest.mark.parametrize("year", [1900, 1969, 2200, 9999])
def test_a_clock_that_is_off_by_centuries_sets_a_row_aside(tmp_path, year):
    log = rows(60)
    log[7]["timestamp"] = datetime(year, 1, 1, tzinfo=UTC)
    assert "1 row could not be used" in detect(jsonl(tmp_path / "log.jsonl", log), tmp_path / "out").fine()
    document = checked(tmp_path / "out")
    assert (document["exchanges"], document["until"][:10]) == (59, "2026-03-01")
    (reject,) = (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()
    assert json.loads(reject) == {
        "file": "log.jsonl",
        "row": 8,
        "column": "timestamp",
        "reason": "not a time between 1990 and 2100",
        "exchange_id": "e00007",
    }


def test_nul_bytes_and_lone_surrogates_pass_or_are_mended(tmp_path):
    log = rows(40)
    log[0] |= {"prompt": "a\x00b", "account_id": "a\x00", "response": "\x00"}
    log[1] |= {"prompt": "\ud800 lonely", "response": "\udfff"}
    log[2] |= {"prompt": "\u202egnp.exe", "account_id": "<script>alert(1)</script>"}
    said = detect(jsonl(tmp_path / "log.jsonl", log), tmp_path / "out").fine()
    assert "prompt: texts that were not valid Unicode, mended with U+FFFD: 1" in " ".join(said.split())
    assert checked(tmp_path / "out")["exchanges"] == 40
    assert "<script>alert" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_prompts_of_ten_megabytes(tmp_path):
    log = rows(8)
    for i, row in enumerate(log[:2]):
        row["prompt"] = f"word{i} and more, " * 700_000
    log[2]["prompt"] = "x" * 11_000_000
    detect(jsonl(tmp_path / "log.jsonl", log), tmp_path / "out").fine()
    assert checked(tmp_path / "out")["exchanges"] == 8
    assert (tmp_path / "out" / "report.html").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": ""},
        {"prompt": " \n\t "},
        {"prompt": "the same"},
        {"account_id": "only"},
        {"timestamp": START},
        {"account_id": "long" * 2_000, "ip": "1" * 2_000},
        {"prompt": "请把这段文字翻译成英文。" * 40},
        {"turn": -1, "status_code": 99_999, "temperature": float("-inf"), "input_tokens": 10**30},
    ],
)
def test_odd_but_readable_logs(tmp_path, changed):
    detect(jsonl(tmp_path / "log.jsonl", rows(**changed)), tmp_path / "out").fine()
    assert checked(tmp_path / "out")["exchanges"] == 24


@pytest.mark.parametrize("count", [0, 1, 2])
def test_next_to_nothing_is_no_campaign(tmp_path, count):
    for name, write in (("log.jsonl", jsonl), ("log.parquet", parquet)):
        assert "No campaign found" in detect(write(tmp_path / name, rows(count)), tmp_path / "out").fine()
        document = checked(tmp_path / "out")
        assert (document["exchanges"], document["campaigns"]) == (count, [])


def test_only_the_required_columns_are_needed_and_the_rest_is_said_to_be_missing(tmp_path):
    log = [{k: r[k] for k in ("exchange_id", "timestamp", "account_id", "prompt")} for r in ROWS]
    detect(jsonl(tmp_path / "log.jsonl", log), tmp_path / "out").fine()
    assert "infrastructure" in " ".join(checked(tmp_path / "out")["signals_missing"])


@pytest.mark.parametrize("column", ["exchange_id", "timestamp", "account_id", "prompt"])
@pytest.mark.parametrize("name", ["log.jsonl", "log.csv", "log.parquet"])
def test_a_missing_required_column_is_named(tmp_path, column, name):
    log = [{k: v for k, v in r.items() if k != column} for r in ROWS]
    path = tmp_path / name
    if name == "log.csv":
        path.write_text("\n".join([",".join(log[0]), ",".join(f'"{i}"' for i in range(len(log[0])))]))
    else:
        (jsonl if name == "log.jsonl" else parquet)(path, log)
    assert f"{path}: the column {column} is missing" in detect(path, tmp_path / "out").refused()


def test_rejects_up_to_the_share_are_kept_with_their_reasons(tmp_path):
    log = jsonl(tmp_path / "log.jsonl", rows(95), b'{"exchange_id": "x"}\nnot json\n[1]\n{}\n\xff\xfe\n')
    detect(log, tmp_path / "out").fine()
    kept = [json.loads(line) for line in (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()]
    assert [(k["row"], k["column"]) for k in kept] == [
        (96, "timestamp"),
        (97, None),
        (98, None),
        (99, "exchange_id"),
        (100, None),
    ]
    log.write_bytes(log.read_bytes() + b"{}\n")
    assert "6 of 101 rows cannot be used" in detect(log, tmp_path / "out").refused()


def test_csv_with_quotes_newlines_a_byte_order_mark_and_unknown_columns(tmp_path):
    log = tmp_path / "log.csv"
    log.write_bytes(
        b"\xef\xbb\xbfprompt,exchange_id,colour,timestamp,account_id\r\n"
        b'"say ""ah"",\r\nthen, wait",e1,red,2026-03-01T00:00:00Z,a1\r\n'
        b"plain,e2,,1772323200,a2\r\n"
    )
    detect(log, tmp_path / "out").fine()
    assert checked(tmp_path / "out")["exchanges"] == 2
    assert not (tmp_path / "out" / "rejects.jsonl").exists()


@pytest.mark.parametrize("end", ["", "\n", "\r\n\n"])
def test_a_quote_that_is_never_closed_swallows_no_rows_unseen(tmp_path, end):
    log = tmp_path / "log.csv"
    head = "exchange_id,timestamp,account_id,prompt\ne1,2026-03-01,a,fine\n"
    log.write_text(f'{head}e2,2026-03-01,a,"open\ne3,2026-03-01,a,b{end}')
    assert "row 2 opens a quote that is never closed" in detect(log, tmp_path / "out").refused()
    log.write_text(f'{head}e2,2026-03-01,a,"closed\nlate"{end}')
    detect(log, tmp_path / "out").fine()


def test_a_folder_of_mixed_formats_and_one_stray_file(tmp_path):
    folder = tmp_path / "logs"
    (folder / "deep").mkdir(parents=True)
    log = rows(30)
    parquet(folder / "1.parquet", log[:10])
    jsonl(folder / "2.jsonl", log[10:20])
    (folder / "deep" / "3.jsonl.gz").write_bytes(gzip.compress(jsonl(tmp_path / "x", log[20:]).read_bytes()))
    detect(folder, tmp_path / "out").fine()
    assert checked(tmp_path / "out")["exchanges"] == 30
    (folder / "README.md").write_text("About these logs")
    assert "README.md: neither Parquet, JSON Lines nor CSV" in detect(folder, tmp_path / "out").refused()
    detect(f"{folder}/**/*.jsonl*", tmp_path / "out").fine()
    assert checked(tmp_path / "out")["exchanges"] == 20


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("empty.parquet", b"", "cannot be read as Parquet"),
        ("log.csv", "exchange_id,prompt\n".encode("utf-16"), "UTF-16"),
        ("log.json", b'[{"exchange_id": 1}]', "JSON array"),
        ("log.csv", b"exchange_id,exchange_id,timestamp,account_id,prompt\n1,2,3,4,5\n", "more than once"),
        ("log.dat", bytes(range(256)), "neither Parquet, JSON Lines nor CSV"),
    ],
)
def test_files_that_are_no_log_are_named(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    said = detect(tmp_path / name, tmp_path / "out").refused()
    assert str(tmp_path / name) in said and words in said


def test_sources_that_are_not_there(tmp_path):
    (tmp_path / "void").mkdir()
    for source, words in (("nothing", "no such file"), ("void", "no files"), ("*.zip", "no file matches")):
        assert words in detect(tmp_path / source, tmp_path / "out").refused()
    log = jsonl(tmp_path / "log.jsonl", ROWS)
    assert "no such file" in detect(log, tmp_path / "out", "--accounts", tmp_path / "nobody").refused()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    log = jsonl(tmp_path / "log.jsonl", ROWS)
    log.chmod(0)
    assert "Permission denied" in detect(log, tmp_path / "out").refused()


ACCOUNTS = {
    "misses some": ("account_id,org_id\na1,x\n", 5),
    "knows others": ("account_id,created_at\na1,2026-01-01\nzz,\n", 6),
    "holds nothing": ("account_id,created_at\n", 5),
    "has unknown columns": ("colour,account_id\nred,a1\n", 5),
    "has times that are none": ("account_id,created_at\na1,soon\n", 5),
}


@pytest.mark.parametrize("what", ACCOUNTS)
def test_an_account_table_that(tmp_path, what):
    text, accounts = ACCOUNTS[what]
    (tmp_path / "accounts.csv").write_text(text)
    log = jsonl(tmp_path / "log.jsonl", ROWS)
    detect(log, tmp_path / "out", "--accounts", tmp_path / "accounts.csv").fine()
    assert checked(tmp_path / "out")["accounts"] == accounts


def test_an_account_that_is_there_twice_is_one_account(tmp_path):
    log = jsonl(tmp_path / "log.jsonl", ROWS)
    lines = [f"b{i},x" for i in range(38)]
    outputs = []
    for order in (["a1,y", "a1,x"], ["a1,x", "a1,y"]):
        (tmp_path / "accounts.csv").write_text("\n".join(["account_id,org_id", *lines, *order]))
        said = detect(log, tmp_path / "out", "--accounts", tmp_path / "accounts.csv").fine()
        assert "1 row could not be used" in said
        assert checked(tmp_path / "out")["accounts"] == 38 + 5
        outputs.append((tmp_path / "out" / "accounts.parquet").read_bytes())
    assert outputs[0] == outputs[1]


def test_an_account_table_answers_for_its_own_rejects(tmp_path):
    log = jsonl(tmp_path / "log.jsonl", rows(400))
    (tmp_path / "accounts.csv").write_text("account_id,org_id\na1,x\n,y\na2,z\n")
    said = detect(log, tmp_path / "out", "--accounts", tmp_path / "accounts.csv").refused()
    assert "1 of 3 rows cannot be used" in said and "account_id: " in said and "accounts.csv row 2" in said
    (tmp_path / "accounts.csv").write_text("id\na1\n")
    said = detect(log, tmp_path / "out", "--accounts", tmp_path / "accounts.csv").refused()
    assert f"{tmp_path / 'accounts.csv'}: the column account_id is missing" in said
