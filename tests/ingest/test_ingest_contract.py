"""One body of tests over every format and compression: the same rows give the same table."""

import random
from datetime import timedelta

import pyarrow as pa
import pytest
from ingest_logs import START, make_rows, to_table, write

from iolaus.errors import InputError
from iolaus.ingest import Rejects, read_accounts, read_exchanges
from iolaus.schema import ACCOUNTS, EXCHANGES

FORMS = ["parquet", "jsonl", "jsonl.gz", "jsonl.zst", "ndjson", "json", "csv", "csv.gz", "csv.zst"]
ROWS = make_rows(100)


def read(source, **options):
    rejects = Rejects("nowhere/rejects.jsonl")
    stream = read_exchanges(source, rejects, **options)
    return pa.Table.from_batches(stream, schema=EXCHANGES), stream, rejects


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


def test_all_forms_give_the_same_table(form, tmp_path):
    table, stream, rejects = read(write(tmp_path / f"log.{form}", ROWS))
    assert table.schema.equals(EXCHANGES)
    assert table.equals(to_table(ROWS))
    table.validate(full=True)
    assert (stream.read, rejects.count, rejects.notes) == (100, 0, ())


def test_format_is_told_by_the_bytes_where_the_name_says_nothing(form, tmp_path):
    path = write(tmp_path / f"log.{form}", ROWS).rename(tmp_path / "log-2026-03-01")
    assert read(path)[0].equals(to_table(ROWS))


def test_only_the_required_columns_need_be_there(form, tmp_path):
    names = ["prompt", "account_id", "timestamp", "exchange_id"]
    rows = [{name: row[name] for name in names} | {"extra": 1.5} for row in ROWS]
    schema = pa.schema([EXCHANGES.field(n).with_nullable(True) for n in names] + [pa.field("extra", pa.float64())])
    table, stream, _ = read(write(tmp_path / f"log.{form}", rows, schema))
    assert stream.columns_present == set(names)
    assert table.select(names).equals(to_table(ROWS).select(names))
    assert all(table[name].null_count == 100 for name in EXCHANGES.names if name not in names)


@pytest.mark.parametrize("column", ["exchange_id", "timestamp", "account_id", "prompt"])
def test_a_missing_required_column_is_named(form, tmp_path, column):
    rows = [{k: v for k, v in row.items() if k != column} for row in ROWS]
    path = write(tmp_path / f"log.{form}", rows, pa.schema([f for f in EXCHANGES if f.name != column]))
    with pytest.raises(InputError, match=rf"log\.{form}: the column {column} is missing$"):
        read(path)


def test_folder_order_and_partition_do_not_matter(form, tmp_path):
    rows = list(ROWS)
    random.Random(5).shuffle(rows)
    for part in range(3):
        folder = tmp_path / f"day={part}"
        folder.mkdir()
        write(folder / f"log.{form}", rows[part::3])
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "log.txt").write_text("?")
    table = read(tmp_path)[0].sort_by("exchange_id")
    assert table.equals(to_table(ROWS))
    assert read(f"{tmp_path}/day=*/log.*")[0].sort_by("exchange_id").equals(table)


def test_rows_after_the_horizon_do_not_exist(form, tmp_path):
    until = ROWS[40]["timestamp"]
    rows = [row | {"prompt": None} if i in (3, 90) else row for i, row in enumerate(ROWS)]
    table, stream, rejects = read(write(tmp_path / f"log.{form}", rows, _loose()), until=until)
    assert table["exchange_id"].to_pylist() == [f"e{i:05}" for i in range(41) if i != 3]
    assert (stream.read, rejects.counts) == (41, {"prompt: missing": 1})


def test_required_values_reject_a_row_and_optional_ones_do_not(form, tmp_path):
    rows = [dict(row) for row in ROWS]
    rows[3]["account_id"] = None
    rows[7]["timestamp"] = START.replace(year=1971)
    rows[8]["timestamp"] = None
    rows[9]["input_tokens"] = -4
    path = write(tmp_path / f"log.{form}", rows, _loose())
    table, stream, rejects = read(path)
    assert rejects.counts == {
        "account_id: missing": 1,
        "timestamp: missing": 1,
        "timestamp: not a time between 1990 and 2100": 1,
    }
    assert (stream.read, len(table)) == (100, 97)
    assert table["input_tokens"].null_count == 1
    assert rejects.notes == ("exchanges, input_tokens: values that cannot be read, taken as missing: 1",)
    assert {(r.row, r.column, r.exchange_id) for r in rejects._kept} == {
        (4, "account_id", "e00003"),
        (8, "timestamp", "e00007"),
        (9, "timestamp", "e00008"),
    }


def test_batches_are_bounded_in_rows(form, tmp_path):
    path = write(tmp_path / f"log.{form}", ROWS)
    stream = read_exchanges(path, Rejects("nowhere"), batch_rows=33)
    assert max(batch.num_rows for batch in stream) <= 33


def test_accounts_as_of_a_day(form, tmp_path):
    day = timedelta(days=1)
    rows = [
        {"account_id": "a1", "created_at": START, "closed_at": START + day, "org_id": "o", "plan": "pro"},
        {
            "account_id": "a2",
            "created_at": START,
            "closed_at": START + 9 * day,
            "org_id": None,
            "plan": "pro",
        },
        {"account_id": "a3", "created_at": START + 5 * day, "closed_at": None, "org_id": None, "plan": "pro"},
        {"account_id": "a4", "created_at": None, "closed_at": None, "org_id": None, "plan": "pro"},
    ]
    path = write(tmp_path / f"accounts.{form}", rows, ACCOUNTS)
    rejects = Rejects("nowhere")
    assert read_accounts(path, rejects).equals(to_table(rows, ACCOUNTS))
    seen = read_accounts(path, rejects, until=START + 2 * day)
    assert seen["account_id"].to_pylist() == ["a1", "a2", "a4"]
    assert seen["closed_at"].to_pylist() == [START + day, None, None]
    assert rejects.count == 0


def _loose() -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in EXCHANGES])
