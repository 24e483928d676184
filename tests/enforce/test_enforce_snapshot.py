"""The snapshot: what was written is found again, what is broken is never used, and good content outlives bad files."""

import json
import logging
import os
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iolaus.enforce import snapshot as room
from iolaus.enforce.snapshot import Row, SnapshotError, Treatment, read_snapshot, write_snapshot
from iolaus.enforce.watch import Watched
from iolaus.errors import OutputError

BLOCK, SLOW = Treatment("block"), Treatment("throttle", 6.0, 2)
ROWS = [Row("ann", "00000000000000a1", 10, 20, BLOCK), Row("bob", "00000000000000b1", 10, 20, SLOW)]
TOLD = {"snapshot_id": "s1", "audit_head": {"seq": 1, "hash": "x"}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "snapshot"


def test_rows_are_found_by_account_and_time(path):
    write_snapshot(path, ROWS, TOLD)
    found = read_snapshot(path)
    assert (found.snapshot_id, len(found), found.description["audit_head"]) == ("s1", 2, TOLD["audit_head"])
    assert found.find("ann", 10) == ROWS[0] and found.find("bob", 19.9) == ROWS[1]
    assert found.find("ann", 9.99) is None and found.find("ann", 20) is None and found.find("eve", 15) is None
    assert sorted(found.rows(), key=lambda r: r.account_id) == ROWS


def test_the_gravest_decision_in_force_counts(path):
    slow_then_block = [Row("ann", "01", 0, 100, SLOW), Row("ann", "02", 50, 80, BLOCK)]
    write_snapshot(path, slow_then_block, TOLD)
    found = read_snapshot(path)
    assert [found.find("ann", t).treatment.action for t in (49, 50, 79, 80)] == [
        "throttle",
        "block",
        "block",
        "throttle",
    ]


@settings(max_examples=60, deadline=None)
@given(st.sets(st.text(max_size=40), max_size=60), st.text(max_size=40))
def test_any_ids_come_back_and_no_other_is_found(tmp_path_factory, ids, other):
    path = tmp_path_factory.mktemp("s") / "snapshot"
    rows = [Row(name, f"{i:016x}", 0, 9, BLOCK) for i, name in enumerate(sorted(ids))]
    write_snapshot(path, rows, TOLD)
    found = read_snapshot(path)
    assert all(found.find(row.account_id, 1) == Row(row.account_id, row.decision_id, 0, 9, BLOCK) for row in rows)
    assert (found.find(other, 1) is not None) == (other in ids)


def test_accounts_with_one_hash_are_never_taken_for_each_other(path, monkeypatch):
    monkeypatch.setattr(room, "_hash", lambda name: 7)
    write_snapshot(path, ROWS, TOLD)
    found = read_snapshot(path)
    assert found.find("ann", 15) == ROWS[0] and found.find("bob", 15) == ROWS[1] and found.find("eve", 15) is None


def test_every_cut_and_every_changed_byte_is_noticed(path, tmp_path):
    write_snapshot(path, ROWS, TOLD)
    whole = path.read_bytes()
    broken = tmp_path / "broken"
    for size in range(0, len(whole), 3):
        broken.write_bytes(whole[:size])
        with pytest.raises(SnapshotError):
            read_snapshot(broken)
    for place in range(0, len(whole), 2):
        # Bytes 12 to 16 are reserved and mean nothing yet.
        if not 12 <= place < 16:
            broken.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(SnapshotError):
                read_snapshot(broken)


def test_a_newer_version_is_named(path, tmp_path):
    write_snapshot(path, ROWS, TOLD)
    newer = path.read_bytes()
    path.write_bytes(newer[:8] + (2).to_bytes(4, "little") + newer[12:])
    with pytest.raises(SnapshotError, match="version 2; this program reads version 1"):
        read_snapshot(path)


def test_a_failed_publication_leaves_the_old_one(path, monkeypatch):
    write_snapshot(path, ROWS, TOLD)
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_snapshot(path, [], TOLD)
    assert path.read_bytes() == before and os.listdir(path.parent) == ["snapshot"]


def watch(path):
    return Watched(path, read_snapshot, every_s=0.01)


@pytest.mark.parametrize("fault", ["missing", "half", "corrupt", "newer", "folder"])
def test_the_last_good_snapshot_outlives_a_bad_file(path, fault, caplog):
    write_snapshot(path, ROWS, TOLD)
    watched = watch(path)
    whole = path.read_bytes()
    path.unlink()
    if fault == "half":
        path.write_bytes(whole[: len(whole) // 2])
    elif fault == "corrupt":
        path.write_bytes(whole[:-1] + b"\x00")
    elif fault == "newer":
        path.write_bytes(whole[:8] + b"\x09" + whole[9:])
    elif fault == "folder":
        path.mkdir()
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            assert not watched.look()
    assert watched.content.find("ann", 15) == ROWS[0]
    assert watched.failures >= 1 and len(caplog.records) == 1
    assert "the last good one stays in use" in caplog.text
    if fault == "folder":
        path.rmdir()
    write_snapshot(path, [], TOLD | {"snapshot_id": "s2"})
    assert watched.look() and watched.content.snapshot_id == "s2"


def test_a_file_overwritten_in_place_does_not_reach_what_was_read(path):
    """Cut short in place, a mapped file would kill its readers; this one is in memory."""
    rows = [Row(f"account-{i}", f"{i:016x}", 0, 9, BLOCK) for i in range(5_000)]
    write_snapshot(path, rows, TOLD)
    watched = watch(path)
    os.truncate(path, 10)
    watched.look()
    assert all(watched.content.find(row.account_id, 1) is not None for row in rows)


def test_readers_see_whole_snapshots_while_writers_replace_them(path):
    """Every snapshot holds the same accounts with its own decision; a mixture would show two decisions."""
    names = [f"account-{i}" for i in range(200)]

    def publish(number):
        rows = [Row(name, f"{number:016x}", 0, 9, BLOCK) for name in names]
        write_snapshot(path, rows, {"snapshot_id": str(number)})

    publish(0)
    watched = watch(path)
    watched.ensure()
    over = threading.Event()

    def write():
        for number in range(1, 30):
            publish(number)
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not over.is_set():
        taken = watched.content
        decisions = {taken.find(name, 1).decision_id for name in names}
        assert decisions == {f"{int(taken.snapshot_id):016x}"}
    writer.join()
    deadline = time.monotonic() + 5
    while watched.content.snapshot_id != "29" and time.monotonic() < deadline:
        time.sleep(0.01)
    watched.stop()
    assert watched.content.snapshot_id == "29" and watched.failures == 0


def test_a_forked_worker_goes_on_watching(path, tmp_path):
    """Threads do not come through a fork; the worker starts its own at its first request."""
    import subprocess
    import sys

    program = """
import json, os, sys, time
from pathlib import Path
from iolaus.enforce import Guard, Row, Treatment, write_snapshot
path = Path(sys.argv[1])
guard = Guard(path, every_s=0.02)
guard.rule("ann")
if os.fork():
    os.wait()
    sys.exit()
guard.rule("ann")
write_snapshot(path, [Row("ann", "01", 0, 2**40, Treatment("block"))], {"snapshot_id": "s2"})
end = time.monotonic() + 5
while guard.rule("ann").action != "block" and time.monotonic() < end:
    time.sleep(0.02)
print(json.dumps(guard.status()["snapshot_id"]), flush=True)
os._exit(0)
"""
    write_snapshot(path, ROWS, TOLD)
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout) == "s2", done.stderr
