"""Files that grow, are rotated, cut short, half written."""

import json
import os

import pytest
from stream_cases import write_lines

from iolaus.errors import InputError
from iolaus.stream.files import FollowedFiles


def drained(source, last=False):
    lines = []
    while (block := source.read(last)) is not None:
        lines += [json.loads(line) for line in block.splitlines()]
    return lines


def test_a_file_is_read_as_it_grows_and_half_a_line_waits(tmp_path):
    log = tmp_path / "log.jsonl"
    source = FollowedFiles(log)
    assert drained(source) == []
    write_lines(log, [1, 2])
    with log.open("a") as file:
        file.write('{"half": ')
    assert drained(source) == [1, 2]
    with log.open("a") as file:
        file.write("3}")
    assert drained(source) == []
    assert drained(source, last=True) == [{"half": 3}]
    assert source.restarted == 0


def test_a_file_that_is_rotated_is_read_to_its_end_and_its_successor_from_its_beginning(tmp_path):
    log = tmp_path / "log.jsonl"
    source = FollowedFiles(log)
    write_lines(log, [1, 2])
    assert drained(source) == [1, 2]
    write_lines(log, [3])
    log.rename(tmp_path / "log.jsonl.1")
    write_lines(log, [4])
    assert drained(source) == [3, 4]
    again = FollowedFiles(log)
    again.seek(json.loads(json.dumps(source.position)))
    write_lines(log, [5])
    assert drained(again) == [5]


def test_a_file_that_is_emptied_and_filled_anew_is_read_anew(tmp_path):
    log = tmp_path / "log.jsonl"
    source = FollowedFiles(log)
    write_lines(log, ["old", "older"])
    assert drained(source) == ["old", "older"]
    write_lines(log, ["new"], mode="w")
    assert drained(source) == ["new"]
    # Longer than before by the time we look: its first bytes tell.
    write_lines(log, ["another", "and another", "and one more"], mode="w")
    assert drained(source) == ["another", "and another", "and one more"]
    assert source.restarted == 2


def test_a_folder_is_read_in_the_order_of_names_and_new_files_are_found(tmp_path):
    write_lines(tmp_path / "b.jsonl", ["b"])
    write_lines(tmp_path / "a.jsonl", ["a"])
    write_lines(tmp_path / ".hidden.jsonl", ["no"])
    (tmp_path / "a.jsonl.gz").write_bytes(b"\x1f\x8b")
    source = FollowedFiles(tmp_path)
    assert drained(source) == ["a", "b"]
    (tmp_path / "deep").mkdir()
    write_lines(tmp_path / "deep" / "c.jsonl", ["c"])
    write_lines(tmp_path / "a.jsonl", ["a2"])
    assert drained(source) == ["a2", "c"]
    os.rename(tmp_path / "a.jsonl", tmp_path / "z.jsonl")
    write_lines(tmp_path / "z.jsonl", ["a3"])
    assert drained(source) == ["a3"]


def test_a_position_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="how far"):
        FollowedFiles(tmp_path).seek(["nonsense"])
