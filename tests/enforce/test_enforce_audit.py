"""The audit log: nothing that was acknowledged is lost, nothing that was changed goes unnoticed."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from iolaus.enforce.audit import AuditLog, Head, read_entries, verify
from iolaus.errors import InputError, OutputError


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path / "audit" / "audit.jsonl")


def fill(log, lines=5):
    return [log.append("note", {"n": n}, at=100 + n) for n in range(lines)]


def test_lines_are_chained_and_verified(log):
    heads = fill(log)
    assert [(e.seq, e.at, e.kind, e.body["n"]) for e in read_entries(log.path)] == [
        (n + 1, 100 + n, "note", n) for n in range(5)
    ]
    assert verify(log.path) == heads[-1]
    assert verify(log.path, known=heads) == heads[-1]
    assert os.stat(log.path).st_mode & 0o077 == 0


def test_a_log_that_is_not_there_is_said_so(log):
    assert list(read_entries(log.path)) == []
    with pytest.raises(InputError, match="there is no audit log"):
        verify(log.path)


def test_every_changed_byte_is_noticed(log):
    fill(log, 3)
    whole = log.path.read_bytes()
    for place in range(0, len(whole) - 1, 3):
        log.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InputError):
            verify(log.path)


@pytest.mark.parametrize("tamper", ["remove", "swap", "repeat", "forge"])
def test_lines_cannot_be_removed_moved_repeated_or_forged(log, tamper):
    fill(log)
    lines = log.path.read_bytes().splitlines(keepends=True)
    if tamper == "remove":
        del lines[2]
    elif tamper == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    elif tamper == "repeat":
        lines.insert(2, lines[2])
    else:
        forged = json.loads(lines[2])
        forged["body"]["n"] = 99
        lines[2] = json.dumps(forged, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    log.path.write_bytes(b"".join(lines))
    with pytest.raises(InputError, match=r"line [234] "):
        verify(log.path)


def test_an_end_cut_off_or_written_anew_shows_against_a_known_head(log, tmp_path):
    heads = fill(log)
    log.path.write_bytes(b"".join(log.path.read_bytes().splitlines(keepends=True)[:3]))
    assert verify(log.path) == heads[2]
    with pytest.raises(InputError, match="its end is gone"):
        verify(log.path, known=[heads[4]])
    other = AuditLog(tmp_path / "other.jsonl")
    for n in range(5):
        other.append("note", {"n": n + 1}, at=0)
    with pytest.raises(InputError, match="written anew"):
        verify(other.path, known=[heads[4]])


@pytest.mark.parametrize("torn", [b"{", b'{"at": 1, "body": {"n": 7}}', b"\x00" * 5000])
def test_a_torn_last_line_is_taken_off_and_recorded(log, torn):
    fill(log, 3)
    with open(log.path, "ab") as file:
        file.write(torn)
    assert len(list(read_entries(log.path))) == 3
    log.append("note", {"n": 3}, at=200)
    kinds = [(e.kind, e.body.get("bytes")) for e in read_entries(log.path)]
    assert kinds == [("note", None)] * 3 + [("recovered", len(torn)), ("note", None)]
    verify(log.path)


def test_a_long_last_line_is_found(log):
    log.append("note", {"text": "x" * 300_000}, at=1)
    log.append("note", {"text": "y" * 300_000}, at=2)
    assert verify(log.path).seq == 2


WRITER = """
import sys
from pathlib import Path
from iolaus.enforce.audit import AuditLog
log, n = AuditLog(Path(sys.argv[1])), 0
while True:
    with log.locked() as held:
        held.append([("note", {"by": sys.argv[2], "n": n + i, "text": "x" * 3000}) for i in range(3)], at=0)
    n += 3
    print(n, flush=True)
"""


def test_writers_killed_at_random_moments_lose_nothing_they_had_acknowledged(log):
    """Three rounds of two writers at once, both killed; each line they printed stands for entries already safe."""
    acknowledged = {}
    for round_ in range(3):
        writers = {}
        for name in ("a", "b"):
            who = f"{name}{round_}"
            command = [sys.executable, "-c", WRITER, str(log.path), who]
            writers[who] = subprocess.Popen(command, stdout=subprocess.PIPE)
        for who, writer in writers.items():
            assert writer.stdout.readline(), who
        time.sleep(0.05 + 0.037 * round_)
        for who, writer in writers.items():
            writer.send_signal(signal.SIGKILL)
            told = writer.communicate()[0].split()
            acknowledged[who] = int(told[-1]) if told else 3
    log.append("note", {"by": "end", "n": 0}, at=0)
    found = {}
    for entry in read_entries(log.path):
        if entry.kind == "note":
            found.setdefault(entry.body["by"], []).append(entry.body["n"])
    for who, count in acknowledged.items():
        assert found[who][:count] == list(range(count)), who
    verify(log.path)


def test_a_full_disk_refuses_the_whole_append_and_harms_nothing(log):
    """The limit on this process's file size fails a write half-way, as a full disk does."""
    heads = fill(log)
    size = log.path.stat().st_size
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 700, old[1]))
        with log.locked() as held, pytest.raises(OutputError, match="cannot be written"):
            held.append([("note", {"text": "x" * 500}) for _ in range(4)], at=300)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert log.path.stat().st_size == size and verify(log.path) == heads[-1]
    assert log.append("note", {"n": 5}, at=301) == Head(6, verify(log.path).hash)


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be opened"):
        AuditLog(tmp_path / "file" / "audit.jsonl").append("note", {}, at=0)
