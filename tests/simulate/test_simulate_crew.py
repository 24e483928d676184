"""Several programs that write one log: the same bytes, one conversation in one place, and an end that is told."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from iolaus.errors import OutputError
from iolaus.simulate import crew, simulate
from iolaus.simulate.run import FILES


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 700 rows, in the programs that write too."""
    monkeypatch.setattr(crew, "CHUNK", 700)
    started = subprocess.Popen

    def start(command, **rest):
        if command[1:3] != ["-m", "iolaus.simulate"]:
            return started(command, **rest)
        code = "import sys, pathlib; from iolaus.simulate import crew; crew.CHUNK = 700; "
        return started([sys.executable, "-c", f"{code}crew.work(pathlib.Path({command[3]!r}), {command[4]})"], **rest)

    monkeypatch.setattr(crew.subprocess, "Popen", start)


def digests(folder):
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES]


def test_the_bytes_are_the_same_however_many_write(tmp_path, small_chunks):
    for workers in (1, 2, 3):
        simulate("ladder", tmp_path / str(workers), seed=4, exchanges=3_000, workers=workers)
        assert sorted(p.name for p in (tmp_path / str(workers)).iterdir()) == sorted(FILES)
    assert digests(tmp_path / "1") == digests(tmp_path / "2") == digests(tmp_path / "3")


def test_what_goes_on_from_a_conversation_is_written_where_that_is():
    rows = {
        "thread": np.array([0, 1, -1, 2, 4, 0, 6, -1], dtype=np.int32),
        "saves": np.array([3, -1, -1, 5, -1, -1, -1, -1], dtype=np.int32),
        "resumes": np.array([-1, -1, -1, 3, 5, -1, -1, -1], dtype=np.int32),
    }
    share = crew._shares(rows, 2)
    assert set(share.tolist()) <= {0, 1}
    # Thread 2 goes on from what thread 0 saved, and thread 4 from what thread 2 saved.
    assert len({share[i] for i in (0, 3, 4, 5)}) == 1
    assert crew._ends(rows["thread"]).tolist() == [False, True, False, True, True, True, True, False]


def test_a_program_that_ends_early_is_told_in_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "scenario.json").write_text("{}")
    started = subprocess.Popen

    def start(command, **rest):
        return started([sys.executable, "-c", "import sys; sys.exit('no space left')"], **rest)

    monkeypatch.setattr(crew.subprocess, "Popen", start)
    with pytest.raises(OutputError, match="a program that writes texts ended early: no space left"):
        simulate("benign", tmp_path, seed=1, exchanges=600, workers=2)
    assert [p.name for p in tmp_path.iterdir()] == ["scenario.json"]


def test_identifiers_and_settings_are_whole(ladder):
    exchanges = ladder.exchanges
    assert all(len(x) == 23 for x in exchanges["exchange_id"].to_pylist())
    assert {len(x) for x in exchanges["conversation_id"].to_pylist() if x} == {21}
    heat = exchanges["temperature"].drop_null().to_pylist()
    assert all(0 <= h <= 2 and round(h, 2) == h for h in heat) and len(set(heat)) > 20
    assert set(exchanges["stream"].to_pylist()) >= {True, False}
    assert 0 < exchanges["max_tokens"].null_count < exchanges.num_rows
    apps = [
        k is None
        for k, c in zip(*(exchanges[n].to_pylist() for n in ("api_key_id", "channel")), strict=True)
        if c == "app"
    ]
    assert apps and all(apps)
