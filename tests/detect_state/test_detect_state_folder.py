"""The folder of the state: who may use it, and what becomes of one that is old, damaged or another's."""

import json
import os
import resource
import subprocess
import sys
from unittest import mock

import pytest
from state_logs import outputs, packed, same_reading, seen, small_blocks
from test_detect_state_kills import log_of_two_days, some, third_day

from iolaus.cli import main
from iolaus.detect.state import manifest, opened_state, schema, trust, version
from iolaus.errors import InputError, OutputError, StateError
from iolaus.ingest import Rejects


@pytest.fixture
def log(tmp_path, monkeypatch):
    small_blocks(monkeypatch)
    log_of_two_days(tmp_path / "log")
    return tmp_path / "log"


@pytest.fixture
def read(monkeypatch):
    """Names of the files that are read from here on."""
    from iolaus.detect.state import update

    names, opened = [], update.open_file

    def listened(file, table, rows, since=None):
        names.append((file.name, since is not None))
        return opened(file, table, rows, since)

    monkeypatch.setattr(update, "open_file", listened)
    return names


def document(tmp_path):
    return json.loads((tmp_path / "state" / "_manifest.json").read_text())


def rewrite(tmp_path, changed):
    (tmp_path / "state" / "_manifest.json").write_text(json.dumps(changed))


def test_only_what_is_new_is_read(log, tmp_path, read):
    seen(log, tmp_path, None, tmp_path / "state")
    assert read == [("a.jsonl", False), ("b.csv", False), ("c.parquet", False)]
    read.clear()
    same_reading(log, tmp_path)
    assert read == []
    third_day(log)
    same_reading(log, tmp_path)
    assert read == [("a.jsonl", True), ("b.csv", False), ("d.jsonl.gz", False)]


def test_a_file_that_has_moved_with_its_folder_is_the_same(log, tmp_path, read):
    same_reading(log, tmp_path)
    read.clear()
    moved = log.rename(tmp_path / "elsewhere")
    same_reading(moved, tmp_path)
    same_reading(moved, tmp_path, until=None)
    assert read == []


@pytest.mark.parametrize("place", [0, 0.3, 0.6, 0.999])
def test_an_old_part_that_has_changed_is_noticed_in_a_file_that_grows(log, tmp_path, place):
    path = log / "a.jsonl"
    same_reading(log, tmp_path)
    text = bytearray(path.read_bytes())
    at = text.index(b"verse", int(place * (len(text) - 200)))
    text[at : at + 5] = b"prose"
    path.write_bytes(bytes(text) + packed("jsonl", some(60, 20)))
    same_reading(log, tmp_path)


def test_samples_reach_all_of_a_small_file_and_both_ends_of_a_large_one(tmp_path):
    path = tmp_path / "file"
    for size, places in ((1 << 20, (0, 12345, 700_001, (1 << 20) - 1)), (5 << 20, (0, 65_535, (5 << 20) - 65_536))):
        text = bytearray(os.urandom(size))
        path.write_bytes(text)
        before = trust.sampled(path, size)
        for place in places:
            text[place] ^= 1
            path.write_bytes(text)
            assert trust.sampled(path, size) != before
            text[place] ^= 1
    path.write_bytes(text + b"more")
    assert trust.sampled(path, size) == before != trust.sampled(path, size + 4)


def test_two_runs_at_once(log, tmp_path):
    with opened_state(tmp_path / "state", print), pytest.raises(StateError, match="is in use by another run"):
        with opened_state(tmp_path / "state", print):
            pass
    same_reading(log, tmp_path)


def test_a_folder_of_something_else_is_left_alone(log, tmp_path):
    with pytest.raises(StateError, match="holds other files and no state"), opened_state(log, print):
        pass
    assert {path.name for path in log.iterdir()} == {"a.jsonl", "b.csv", "c.parquet", ".lock"}


def test_a_state_within_the_log_is_not_read_with_it(log, tmp_path):
    fresh = seen(log, tmp_path, None, None)
    for _ in range(2):
        seen(log, tmp_path, None, log / "state").same(fresh)
        seen(str(log / "**" / "*"), tmp_path, None, log / "state").same(fresh)


def test_a_damaged_manifest_costs_a_whole_reading(log, tmp_path):
    same_reading(log, tmp_path)
    good = document(tmp_path)
    for text in (
        "",
        "[]",
        "{",
        '{"schema": 1}',
        json.dumps(good | {"files": {"a.jsonl": {}}}),
        json.dumps({**good, "schema": 0}),
    ):
        (tmp_path / "state" / "_manifest.json").write_text(text)
        said = []
        with opened_state(tmp_path / "state", said.append):
            pass
        assert len(said) == 1 and "is damaged; the whole log is read again" in said[0]
        same_reading(log, tmp_path)


def test_a_manifest_says_all_again(log, tmp_path):
    same_reading(log, tmp_path)
    kept = manifest.from_document(document(tmp_path))
    assert manifest.from_document(json.loads(json.dumps(manifest.to_document(kept)))) == kept
    assert any(part.next is not None for entry in kept.files.values() for part in entry.parts)


def test_a_later_version_is_refused(log, tmp_path):
    same_reading(log, tmp_path)
    rewrite(tmp_path, document(tmp_path) | {"schema": schema.SCHEMA + 1})
    before = document(tmp_path)
    with (
        pytest.raises(StateError, match="written by a later version of Iolaus"),
        opened_state(tmp_path / "state", print),
    ):
        pass
    assert document(tmp_path) == before


def test_an_older_version_is_led_on_step_by_step(log, tmp_path, monkeypatch, read):
    """As if ``sizes`` had become ``files`` in schema 2, and ``number`` had come with schema 3."""
    same_reading(log, tmp_path)
    old = document(tmp_path)
    old["sizes"] = old.pop("files")
    number = old.pop("number")
    rewrite(tmp_path, old)
    monkeypatch.setattr("iolaus.detect.state.schema.SCHEMA", 3)
    monkeypatch.setattr("iolaus.detect.state.folder.SCHEMA", 3)
    monkeypatch.setitem(
        schema.STEPS, 1, lambda one: {n: v for n, v in one.items() if n != "sizes"} | {"files": one["sizes"]}
    )
    monkeypatch.setitem(schema.STEPS, 2, lambda one: one | {"number": number})
    read.clear()
    same_reading(log, tmp_path)
    assert read == [] and document(tmp_path)["schema"] == 3


def test_what_another_reader_or_sketch_has_kept_is_read_again(log, tmp_path, monkeypatch, read):
    same_reading(log, tmp_path)
    read.clear()
    monkeypatch.setattr("iolaus.detect.state.folder.reading_version", lambda: "another")
    said = []
    with opened_state(tmp_path / "state", said.append):
        pass
    assert len(said) == 1 and "another version of the readers" in said[0]
    same_reading(log, tmp_path)
    assert [name for name, _ in read] == ["a.jsonl", "b.csv", "c.parquet"]


def test_the_version_knows_all_that_has_a_say(monkeypatch):
    """Every module of the package that reading and sketching lead to is among those whose text is digested."""
    import ast
    from importlib.util import find_spec
    from pathlib import Path

    named = {f"{package}.{name.removesuffix('.py')}" for package, names in version.SOURCES.items() for name in names}
    facades = {"iolaus.errors", "iolaus.text", "iolaus.ingest", "iolaus.detect", "iolaus.detect.state"}
    facades |= {"iolaus.detect.state.manifest", "iolaus.detect.state.trust"}
    for module in sorted(named):
        spec = find_spec(module)
        assert spec is not None and spec.origin is not None
        for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("iolaus"):
                assert node.module in named | facades, f"{module} reads {node.module}"
    text = {name.removesuffix(".py") for name in version.SOURCES["iolaus.text"]}
    assert {"sketch", "tokens", "lexicon", "jit"} == text


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_segment_that_is_not_there_whole_is_read_again(log, tmp_path, harm):
    same_reading(log, tmp_path)
    for path in sorted((tmp_path / "state" / "_segments").iterdir()):
        os.truncate(path, path.stat().st_size - 1) if harm == "cut" else path.unlink()
    same_reading(log, tmp_path)


def test_a_segment_whose_bytes_have_changed_is_one_sentence(log, tmp_path):
    same_reading(log, tmp_path)
    path = sorted((tmp_path / "state" / "_segments").iterdir())[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    error = seen(log, tmp_path, None, tmp_path / "state").error
    assert error is not None and error.startswith(f"{path} cannot be read") and "remove the folder" in error


def test_what_was_read_before_a_bad_file_stays(log, tmp_path, monkeypatch, read):
    monkeypatch.setattr("iolaus.detect.state.update._COMMIT_S", -1.0)
    whole = (log / "c.parquet").read_bytes()
    text = packed("csv", some(0, 30))
    (log / "d.csv").write_bytes(text + text.splitlines()[1] + b',"never closed\nnor\nhere\n')
    assert same_reading(log, tmp_path).error is not None
    read.clear()
    (log / "d.csv").write_bytes(text)
    assert same_reading(log, tmp_path).error is None and [name for name, _ in read] == ["d.csv"]
    (log / "c.parquet").write_bytes(whole[:-9])
    assert same_reading(log, tmp_path).error is not None


def test_a_folder_that_cannot_be_made_is_named(log, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="the state cannot be written"), opened_state(tmp_path / "taken", print):
        pass


def test_the_state_is_for_its_owner(log, tmp_path):
    same_reading(log, tmp_path)
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_an_unreadable_log_says_the_same(log, tmp_path):
    with opened_state(tmp_path / "state", print) as state, pytest.raises(InputError, match="no such file or folder"):
        state.read(tmp_path / "none", Rejects("none"), None, lambda stage, rows: None)
    (log / "b.csv").write_text("exchange_id,timestamp,prompt\n1,2,3\n")
    assert "the column account_id is missing" in str(same_reading(log, tmp_path).error)


def test_the_command_on_a_full_disk(tmp_path):
    """One sentence, and what lay there before stays as it was."""
    log, out, state = (tmp_path / name for name in ("log", "out", "state"))
    log_of_two_days(log)
    before = outputs(log, out, state=state)
    kept = document(tmp_path)
    (log / "e.jsonl").write_bytes(packed("jsonl", some(1000, 4000)))
    asked = [sys.executable, "-m", "iolaus.cli", "detect", log, "--out", out, "--state", state]
    done = subprocess.run(
        list(map(str, asked)),
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (24 << 10, 24 << 10)),
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"iolaus: {state}: the state cannot be written: File too large\n"
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert document(tmp_path)["files"].keys() == kept["files"].keys()
    assert json.loads(outputs(log, out, state=state)["campaigns.json"])["exchanges"] > 4000


def command(capfd, *arguments):
    """Status and standard error of the command line, run in this process."""
    with mock.patch("sys.argv", ["iolaus", "detect", *map(str, arguments)]):
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
    return status, capfd.readouterr().err


def test_the_command_says_what_it_must_in_one_line(tmp_path, capfd):
    log_of_two_days(tmp_path / "log")
    asked = (tmp_path / "log", "--max-rejects", 1, "--out", tmp_path / "out", "--state", tmp_path / "state")
    assert command(capfd, *asked, "--json") == (0, "")
    with opened_state(tmp_path / "state", print):
        status, said = command(capfd, *asked)
    assert (status, said.count("\n")) == (2, 1) and "is in use by another run" in said
    manifest_path = tmp_path / "state" / "_manifest.json"
    manifest_path.write_text(manifest_path.read_text()[:-5])
    status, said = command(capfd, *asked)
    assert (status, said) == (0, f"{manifest_path} is damaged; the whole log is read again\n")
    rewrite(tmp_path, document(tmp_path) | {"schema": 99})
    status, said = command(capfd, *asked, "--quiet")
    assert (status, said.count("\n")) == (2, 1) and "later version of Iolaus (schema 99" in said
