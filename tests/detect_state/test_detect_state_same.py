"""Whatever becomes of a log: with a state the answer is the one without."""

import json
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from state_logs import line, outputs, packed, same_reading, small_blocks

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def _small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        small_blocks(patch)
        yield


def moment(minute: int, form: str) -> object:
    at = START + timedelta(minutes=minute)
    return {
        "zoned": at.isoformat(),
        "naive": at.replace(tzinfo=None).isoformat(),
        "epoch": int(at.timestamp()),
        "digits": str(int(at.timestamp() * 1000)),
    }[form]


def exchange(number: int, minute: int, form: str, account: int, odd: dict) -> dict:
    """A row of a log, some of its values replaced."""
    return {
        "exchange_id": f"e{number}",
        "timestamp": moment(minute, form),
        "account_id": f"a{account}",
        "prompt": f"Put item {number} into two lines of verse, please.",
    } | odd


numbers, minutes = st.integers(0, 200), st.integers(0, 60)
forms = st.sampled_from(["zoned", "zoned", "zoned", "naive", "epoch", "digits"])
oddities = st.fixed_dictionaries(
    {},
    optional={
        "exchange_id": st.sampled_from([None, "", 7, "7"]),
        "timestamp": st.sampled_from([None, "", "no time", "1812-01-01T00:00:00Z"]),
        "account_id": st.sampled_from([None, "a1"]),
        "prompt": st.sampled_from(["", "数据 ◆ \x00", "long " * 30, None]),
        "response": st.one_of(st.none(), st.text(max_size=12), st.just([{"type": "text", "text": "part"}])),
        "input_tokens": st.one_of(st.integers(0, 90), st.sampled_from(["12", "0x1F", 1.5, -3, "many", 2**40])),
        "temperature": st.sampled_from([0.7, 1, "0.2", "hot"]),
        "stream": st.sampled_from([True, "yes", 2]),
        "api_key_id": st.sampled_from(["k1", 5, 5.0, 9007199254740993]),
    },
)
odd_rows = st.builds(exchange, numbers, minutes, forms, st.integers(1, 4), oddities)
rows = st.one_of(*[st.builds(exchange, numbers, minutes, forms, st.integers(1, 4), st.just({}))] * 3, odd_rows)
junk = st.sampled_from([b"\n", b"not json\n", b"null\n", b'{"x": "\xff"}\n'])
lines = st.one_of(*[rows.map(line)] * 5, junk)
logs = st.lists(rows, min_size=1, max_size=15)
FORMS = ("jsonl", "csv", "parquet", "jsonl.gz")
places = st.integers(0, 1)
added = st.lists(lines, min_size=1, max_size=25)
steps = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(FORMS), places, logs),
    *[st.tuples(st.just("append"), places, added, st.just(0) | st.integers(0, 20))] * 3,
    st.tuples(st.just("remove"), st.integers(0, 9)),
    st.tuples(st.just("cut"), places, st.integers(1, 2000)),
)


def carry_out(step: tuple, folder: Path) -> None:
    """One thing that happens to a log; ``append`` may leave half a line at the end."""
    kind, *rest = step
    if kind == "add":
        form, place, log = rest
        (folder / f"day{place}.{form}").write_bytes(packed(form, log))
    elif kind == "append":
        place, new, half = rest
        text = b"".join(new)
        with (folder / f"grows{place}.jsonl").open("ab") as file:
            file.write(text[: len(text) - half] if half else text)
    elif kind == "remove":
        there = sorted(folder.iterdir())
        if there:
            there[rest[0] % len(there)].unlink()
    else:
        path = folder / f"grows{rest[0]}.jsonl"
        if path.exists():
            os.truncate(path, max(0, path.stat().st_size - rest[1]))


@settings(max_examples=70)
@given(
    st.lists(st.lists(steps, min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(st.none() | st.integers(-5, 65), min_size=4, max_size=4),
)
def test_reading_gives_the_same_rows_rejects_and_notes(story, horizons):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "log"
        folder.mkdir()
        for chapter, minute in zip(story, horizons, strict=False):
            for step in chapter:
                carry_out(step, folder)
            same_reading(folder, Path(scratch), None if minute is None else START + timedelta(minutes=minute))


@settings(max_examples=35)
@given(
    st.lists(lines, min_size=30, max_size=120).map(b"".join),
    st.lists(st.floats(0, 1), min_size=1, max_size=4).map(sorted),
    st.none() | st.integers(-5, 65),
    st.booleans(),
)
def test_a_file_that_grows_may_be_cut_anywhere(text, cuts, minute, mark):
    text = b"\xef\xbb\xbf" * mark + text
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "log.jsonl"
        for place, cut in enumerate([*cuts, 1.0]):
            path.write_bytes(text[: round(cut * len(text))])
            horizon = None if minute is None or place % 2 else START + timedelta(minutes=minute)
            same_reading(path, Path(scratch), horizon)


def good(number: int, minute: int, account: int) -> dict:
    return {
        "exchange_id": f"e{number}",
        "timestamp": moment(minute, "zoned"),
        "account_id": f"a{account}",
        "prompt": f"Grade answer {number} by the rubric, step by step, and say why.",
        "response": f"It is {number}.",
        "output_tokens": 12 + number,
    }


goods = st.lists(st.builds(good, st.integers(0, 60), st.integers(0, 900), st.integers(0, 5)), min_size=1, max_size=40)


@settings(max_examples=8)
@given(
    st.lists(goods, min_size=2, max_size=4),
    st.sampled_from(FORMS),
    logs,
    st.lists(lines, max_size=10),
    st.none() | st.integers(0, 900),
)
def test_whole_runs_write_the_same_bytes(days, form, odd, appended, minute):
    until = None if minute is None else START + timedelta(minutes=minute)
    with tempfile.TemporaryDirectory() as scratch:
        work, folder = Path(scratch), Path(scratch) / "log"
        folder.mkdir()
        (folder / "grows.jsonl").write_bytes(packed("jsonl", days[0]))
        (folder / "odd.jsonl").write_bytes(packed("jsonl", odd))
        compare(work, None)
        for number, day in enumerate(days[1:]):
            (folder / f"day{number}.{form}").write_bytes(packed(form, day))
        with (folder / "grows.jsonl").open("ab") as file:
            file.write(b"".join(appended) + b"".join(map(line, days[-1])))
        compare(work, until)
        (folder / "odd.jsonl").unlink()
        compare(work, None)


def compare(work: Path, until: datetime | None) -> None:
    """Run without a state and with it; every file is the same, byte for byte."""
    plain = outputs(work / "log", work / "plain", until=until)
    kept = outputs(work / "log", work / "kept", until=until, state=work / "state")
    for document in (plain, kept):
        assert json.loads(document["campaigns.json"])["schema"] == "iolaus.campaigns/1"
    assert kept == plain
    for out in ("plain", "kept"):
        shutil.rmtree(work / out)


def test_what_earlier_lines_have_taught_still_holds_where_reading_goes_on(tmp_path):
    """Keys that have been seen with a point are read as real numbers, which do not tell these two apart."""
    new = [good(number, number, 1) | {"account_id": 2**53 + 1} for number in range(40)]
    old = [row | {"account_id": 1.5 if place < 5 else 3} for place, row in enumerate(new[:20])]
    path = tmp_path / "log.jsonl"
    path.write_bytes(packed("jsonl", old))
    same_reading(path, tmp_path)
    with path.open("ab") as file:
        file.write(packed("jsonl", [row | {"exchange_id": f"n{row['exchange_id']}"} for row in new]))
    names = set(same_reading(path, tmp_path).rows["account_id"].to_pylist())
    assert len(names) == 3 and str(2**53 + 1) not in names
