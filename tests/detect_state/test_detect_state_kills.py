"""A run that is killed leaves what a later run can use."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from state_logs import packed, same_reading, seen, small_blocks

from iolaus.detect.state import segment
from iolaus.detect.state.manifest import from_document

START = datetime(2026, 3, 1, tzinfo=UTC)
BAD = b'not json\n{"exchange_id": "e1"}\n'


def some(first: int, count: int) -> list[dict]:
    return [
        {
            "exchange_id": f"e{number}",
            "timestamp": (START + timedelta(minutes=number)).isoformat(),
            "account_id": f"a{number % 4}",
            "prompt": f"Put item {number} into two lines of verse, please.",
        }
        for number in range(first, first + count)
    ]


def log_of_two_days(folder: Path) -> None:
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(packed("jsonl", some(0, 30)) + BAD)
    (folder / "b.csv").write_bytes(packed("csv", some(20, 9)))
    (folder / "c.parquet").write_bytes(packed("parquet", some(40, 9)))


def third_day(folder: Path) -> None:
    with (folder / "a.jsonl").open("ab") as file:
        file.write(packed("jsonl", some(60, 14)) + BAD)
    (folder / "b.csv").write_bytes(packed("csv", some(21, 9)))
    (folder / "c.parquet").unlink()
    (folder / "d.jsonl.gz").write_bytes(packed("jsonl.gz", some(200, 9)))


class Photographer:
    """Copies the state before every rename, removal and sync, and now and then amid a file: what a kill would leave."""

    def __init__(self, state: Path, to: Path, patch: pytest.MonkeyPatch) -> None:
        self.state, self.to, self.calls = state, to, 0
        for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
            patch.setattr(owner, name, self.before(getattr(owner, name), 1))
        patch.setattr(segment._Beside, "write", self.before(segment._Beside.write, 97))

    def before(self, call, every):
        def taken(*arguments, **named):
            self.calls += 1
            if self.calls % every == 0:
                shutil.copytree(self.state, self.to / f"{self.calls:06}")
            return call(*arguments, **named)

        return taken


def test_every_moment_at_which_a_run_can_be_killed(tmp_path, monkeypatch):
    small_blocks(monkeypatch)
    monkeypatch.setattr("iolaus.detect.state.update._COMMIT_S", -1.0)
    log, state, taken = tmp_path / "log", tmp_path / "state", tmp_path / "taken"
    log_of_two_days(log)
    same_reading(log, tmp_path)
    third_day(log)
    fresh = seen(log, tmp_path, None, None)
    taken.mkdir()
    with monkeypatch.context() as patch:
        Photographer(state, taken, patch)
        seen(log, tmp_path, None, state).same(fresh)
    monkeypatch.undo()
    small_blocks(monkeypatch)
    moments = sorted(taken.iterdir())
    assert len(moments) > 30
    for moment in moments:
        seen(log, tmp_path, None, moment).same(fresh)
        left = {path.name for path in (moment / "_segments").iterdir()}
        named = {stored.name for stored in from_document(document(moment)).stored()}
        assert left == named, "what a killed run has left is gone"


def document(state: Path) -> dict:
    return json.loads((state / "_manifest.json").read_text())


def test_killed_while_it_reads(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    for day in range(6):
        (log / f"{day}.jsonl").write_bytes(packed("jsonl", some(day * 20_000, 20_000)))
    program = f"""
from pathlib import Path
import iolaus.detect.state.update as update
update._COMMIT_S = 0.0
from iolaus.detect.state import opened_state
from iolaus.ingest import Rejects
with opened_state(Path({str(tmp_path / "state")!r}), print) as state:
    print("begun", flush=True)
    state.read({str(log)!r}, Rejects("none"), None, lambda stage, rows: print(rows, flush=True))
    print("done", flush=True)
"""
    for lines in (1, 3, 5):
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.read().splitlines()
        assert child.wait() == -signal.SIGKILL and "done" not in said
        child.stdout.close()
    began = time.monotonic()
    same_reading(log, tmp_path)
    assert time.monotonic() - began < 60
