"""The rows set aside."""

import json

import pyarrow as pa
import pytest
from ingest_logs import make_rows, to_table, write

from iolaus.errors import InputError, OutputError, TooManyRejects
from iolaus.ingest import Rejects, read_exchanges


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / "rejects.jsonl"


def fill(rejects, order):
    for i in order:
        rejects.add(f"f{i % 3}", i, "prompt" if i % 2 else None, "missing", f"e{i}")


def test_the_file_does_not_depend_on_the_order_of_arrival(path):
    texts = []
    for order in (range(50), reversed(range(50))):
        with Rejects(path, listed=20) as rejects:
            fill(rejects, order)
        texts.append(path.read_text())
    assert texts[0] == texts[1]
    *rows, last = map(json.loads, texts[0].splitlines())
    assert (len(rows), last) == (20, {"unlisted": 30})
    assert rows[1] == {"file": "f0", "row": 3, "column": "prompt", "reason": "missing", "exchange_id": "e3"}
    assert rejects.counts == {"missing": 25, "prompt: missing": 25}
    assert list(path.parent.iterdir()) == [path]


def test_nothing_set_aside_leaves_no_file(path):
    path.parent.mkdir()
    path.write_text("of an earlier run")
    with Rejects(path):
        pass
    assert not path.exists()


def test_an_exception_leaves_what_was_there(path):
    path.parent.mkdir()
    path.write_text("of an earlier run")
    with pytest.raises(InputError), Rejects(path) as rejects:
        rejects.add("f", 1, None, "x")
        raise InputError("no")
    assert [p.read_text() for p in path.parent.iterdir()] == ["of an earlier run"]


def test_too_many_are_one_sentence_and_the_rows_are_there_to_see(path):
    with pytest.raises(TooManyRejects) as caught, Rejects(path) as rejects:
        fill(rejects, range(5, 11))
        rejects.add_many("g", [7, 8], "timestamp", "missing", ["x", None])
        rejects.check(read=100)
    assert str(caught.value) == (
        "8 of 100 rows cannot be used, more than the 0.05 share allowed; most often missing (3 rows, first in f0 row 6)"
    )
    assert len(path.read_text().splitlines()) == 8


def test_each_check_is_of_the_rows_since_the_last(path):
    rejects = Rejects(path)
    fill(rejects, range(5))
    rejects.check(read=100)
    fill(rejects, range(5))
    rejects.check(read=100)
    fill(rejects, range(5, 11))
    with pytest.raises(TooManyRejects, match="6 of 100 rows"):
        rejects.check(read=100)
    assert rejects.count == 16


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError), Rejects(tmp_path / "out" / "rejects.jsonl") as rejects:
        rejects.add(None, None, None, "x")


def test_nothing_of_the_text_is_kept(tmp_path, path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"exchange_id": "e1", "prompt": "SECRET", "timestamp": "SECRET"}\n{"prompt": "SECRET\n')
    with Rejects(path) as rejects:
        list(read_exchanges(log, rejects) if "account_id" in log.read_text() else _with_account(log, rejects))
    assert "SECRET" not in path.read_text()
    assert '"e1"' in path.read_text()


def _with_account(log, rejects):
    log.write_text(log.read_text() + '{"account_id": "a"}\n')
    return read_exchanges(log, rejects)


def test_the_stream_goes_through_a_reader_and_tells_progress(tmp_path, path):
    told = []
    stream = read_exchanges(
        write(tmp_path / "x.parquet", make_rows(90)), Rejects(path), progress=told.append, batch_rows=40
    )
    assert stream.rows_expected == 90
    table = pa.RecordBatchReader.from_batches(stream.schema, stream).read_all()
    assert table.equals(to_table(make_rows(90)))
    assert told[-1] == stream.read == 90


def test_the_error_that_ended_a_stream_is_kept(tmp_path):
    log = write(tmp_path / "x.jsonl.gz", make_rows(500))
    log.write_bytes(log.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"x\.jsonl\.gz"):
        stream = read_exchanges(log, Rejects("nowhere"))
        list(stream)
    (tmp_path / "x.jsonl.gz").unlink()
