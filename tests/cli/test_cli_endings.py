"""How the command line ends: full disks, closed pipes, and what it says when asked for little."""

import json
import os
import resource
import subprocess
import sys
from importlib.metadata import version
from unittest import mock

import pytest
from cli_running import FILES, VALIDATOR, checked, contents, detect, jsonl, parquet, rows, run

import iolaus
from iolaus.cli import app, ending

COMMAND = [sys.executable, "-m", "iolaus.cli"]


def process(*arguments, **options):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, **options)


@pytest.fixture
def log(tmp_path):
    return parquet(tmp_path / "log.parquet", rows(400))


@pytest.mark.parametrize("kilobytes", [0, 64])
def test_a_full_disk_is_one_sentence_and_the_old_output_stays(tmp_path, log, kilobytes):
    out = tmp_path / "out"
    detect(log, out).fine()
    before = contents(out)
    limit = kilobytes * 1024
    bigger = parquet(tmp_path / "bigger.parquet", rows(3000))
    done = process(
        *("detect", bigger, "--out", out), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("iolaus: ") and done.stderr.count("\n") == 1, done.stderr
    assert contents(out) == before


@pytest.mark.parametrize("where", ["file", "below a file", "/proc/none"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path, log, where):
    (tmp_path / "taken").write_text("a file")
    out = {"file": tmp_path / "taken", "below a file": tmp_path / "taken" / "x"}.get(where, where)
    assert f"cannot write to folder {out}" in detect(log, out).refused()
    assert (tmp_path / "taken").read_text() == "a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path, log):
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    assert "Permission denied" in detect(log, out).refused()


def test_bad_input_leaves_the_old_output_as_it_was(tmp_path, log):
    out = tmp_path / "out"
    detect(log, out).fine()
    before = contents(out)
    log.write_bytes(log.read_bytes()[:-9])
    detect(log, out).refused()
    assert contents(out) == before
    detect(jsonl(tmp_path / "log.jsonl", rows(3), b"{}\n"), out).refused()
    assert {name: contents(out)[name] for name in FILES} == before, "only the rejects are new"


def test_a_reader_that_goes_away_gets_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*COMMAND, "detect", "--help"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_terminal_that_takes_nothing():
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, "detect", "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "No space left" in done.stderr


AXIS = {"score": 0.5, "p_value": 0.01}
CAMPAIGN = {
    "campaign_id": "C001",
    "verdict": "distillation_campaign",
    "q_value": 1e-9,
    "score": 1.0,
    "accounts": ["a", "b"],
    "exchange_count": 2,
    "input_tokens": None,
    "output_tokens": None,
    "first_seen": "2026-03-01T00:00:00Z",
    "last_seen": "2026-03-02T00:00:00Z",
    "axes": {"coordination": AXIS, "concealment": AXIS, "extraction": AXIS},
    "capabilities": {},
    "evidence": [
        {"kind": "queue", "statement": "数据 ◆", "p_value": 1e-9, "exchange_ids": [], "account_ids": ["a", "b"]}
    ],
}


def test_a_terminal_of_another_alphabet(tmp_path):
    document = {"schema": "iolaus.campaigns/1", "until": "2026-03-02T00:00:00Z", "exchanges": 2, "accounts": 2}
    document |= {"signals_missing": [], "campaigns": [CAMPAIGN]}
    VALIDATOR.validate(document)
    (tmp_path / "campaigns.json").write_text(json.dumps(document))
    done = process("explain", tmp_path, "C001", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii() and "queue" in done.stdout.lower()


def ended(error, **environment):
    def command(**_):
        raise error

    with mock.patch.dict("os.environ", environment):
        return ending.run(command)


def test_an_interruption(capsys):
    assert ended(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "iolaus: stopped\n"


def test_a_fault_of_our_own_is_one_line_with_its_place(capsys):
    assert ended(KeyError("x")) == 1
    said = capsys.readouterr().err
    assert said.startswith("iolaus: a fault in Iolaus, please report it: KeyError at test_cli_endings.py:")
    assert said.count("\n") == 1
    assert ended(KeyError("x"), IOLAUS_TRACEBACK="1") == 1
    assert "Traceback" in capsys.readouterr().err


def test_too_little_memory(capsys):
    assert ended(MemoryError()) == 2
    assert "--memory" in capsys.readouterr().err


def test_quiet_says_nothing(tmp_path, log):
    assert detect(log, tmp_path / "out", "--quiet").fine() == ""
    checked(tmp_path / "out")


def test_json_is_what_the_file_holds_and_nothing_else(tmp_path, log):
    said = json.loads(detect(log, tmp_path / "out", "--json").fine())
    VALIDATOR.validate(said)
    assert said == checked(tmp_path / "out")


def test_version():
    assert run("--version").fine() == f"iolaus {iolaus.__version__}\n"
    assert version("iolaus") == iolaus.__version__


@pytest.mark.parametrize("command", sorted(str(c.name or c.callback.__name__) for c in app.registered_commands))
def test_every_command_has_help(command):
    assert "Usage: iolaus" in run(command, "--help").fine()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "No such command"),
        (["detect"], "Missing argument"),
        (["detect", "log", "--colour", "red", "--out", "x"], "No such option"),
        (["detect", "log"], "Missing option '--out'"),
        (["simulate", "nowhere", "--out", "x"], "no scenario is called"),
    ],
)
def test_misuse_is_one_line_that_says_where_to_look(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words in run(*arguments).refused()
    assert list(tmp_path.iterdir()) == []


LIGHT = """
import sys
{work}
heavy = ("duckdb", "pyarrow", "numpy", "scipy", "numba", "torch", "transformers", "starlette", "jinja2",
         "graspologic_native", "httpx", "uvicorn", "sklearn", "jsonschema")
print([name for name in heavy if name in sys.modules])
"""


@pytest.mark.parametrize(
    "work",
    [
        "import iolaus",
        "sys.argv = ['iolaus', '--help']\nfrom iolaus.cli import app\napp(standalone_mode=False)",
        "sys.argv = ['iolaus', 'detect', '--help']\nfrom iolaus.cli import app\napp(standalone_mode=False)",
        "sys.argv = ['iolaus', '--version']\nfrom iolaus.cli import app\napp(standalone_mode=False)",
    ],
)
def test_asking_for_little_imports_nothing_heavy(work):
    done = subprocess.run([sys.executable, "-c", LIGHT.format(work=work)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
