"""``iolaus watch``: as a process, killed at random, and from a Redis stream."""

import json
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from stream_cases import batches, write_lines
from typer.testing import CliRunner

from iolaus.cli import app
from iolaus.enforce.findings import read_findings
from iolaus.errors import InputError, OutputError
from iolaus.stream import StreamSettings
from iolaus.stream.files import FollowedFiles
from iolaus.stream.watch import Watch, open_source


def lines_of(folder):
    table = pa.Table.from_batches(batches(folder))
    stamp = pc.strftime(table["timestamp"], format="%Y-%m-%dT%H:%M:%SZ")
    return table.set_column(table.schema.get_field_index("timestamp"), "timestamp", stamp).to_pylist()


@pytest.fixture(scope="module")
def lines(naive):
    return lines_of(naive)


@pytest.fixture(scope="module")
def straight(naive, lines, tmp_path_factory):
    """The findings of one run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("straight")
    write_lines(folder / "log.jsonl", lines)
    arguments = ["watch", str(folder / "log.jsonl"), "--state", str(folder / "state"), "--every", "1500"]
    done = CliRunner().invoke(app, [*arguments, "--accounts", str(naive / "accounts.parquet"), "--once"])
    assert done.exit_code == 0, done.output
    assert "of distillation" in done.output and "3,000 exchanges read" in done.output
    return folder / "state"


def findings(state):
    return (
        json.loads((state / "campaigns.json").read_text()),
        pq.read_table(state / "accounts.parquet").to_pylist(),
        pq.read_table(state / "exchanges.parquet").to_pylist(),
    )


def test_what_is_written_can_be_published(straight, naive):
    found = read_findings(straight, log=str(naive / "exchanges.parquet"), accounts=str(naive / "accounts.parquet"))
    assert found.subjects and all(s.share and s.attributed for s in found.subjects if s.verdict[0] == "d")
    status = json.loads((straight / "watch.json").read_text())
    assert status["exchanges"]["read"] == 3_000 and status["judgements"] == 3
    assert (straight / "report.html").read_text().startswith("<!")


def test_a_watch_killed_at_random_finds_the_same(straight, naive, lines, tmp_path):
    log, state = tmp_path / "log.jsonl", tmp_path / "state"
    command = [
        sys.executable, "-m", "iolaus.cli", "watch", str(log), "--state", str(state), "--every", "1500",
        "--accounts", str(naive / "accounts.parquet"), "--quiet",
    ]  # fmt: skip
    chance = random.Random(11)
    write_lines(log, lines[:1_700])
    for _ in range(2):
        with subprocess.Popen(command) as one:
            # A watch takes about two seconds to begin; some kills come before its first checkpoint, some after.
            time.sleep(chance.uniform(1.0, 6.0))
            one.kill()
    write_lines(log, lines[1_700:])
    done = subprocess.run([*command, "--once"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert findings(state) == findings(straight)


def test_an_interrupt_ends_a_watch_with_a_checkpoint(lines, tmp_path):
    write_lines(tmp_path / "log.jsonl", lines[:300])
    command = [sys.executable, "-m", "iolaus.cli", "watch", str(tmp_path / "log.jsonl"), "--state", str(tmp_path / "s")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as one:
        while not (tmp_path / "s" / ".lock").exists():
            time.sleep(0.05)
        time.sleep(2.0)
        one.send_signal(signal.SIGINT)
        said, _ = one.communicate(timeout=120)
    document = json.loads((tmp_path / "s" / ".stream" / "checkpoint.json").read_text())
    assert one.returncode == 0
    # However far it has come by then.
    assert f"{document['counts']['read']} exchanges read" in said and document["counts"]["read"] in (0, 300)


def test_lines_that_cannot_be_used_are_set_aside(lines, tmp_path):
    log = tmp_path / "log.jsonl"
    write_lines(log, lines[:50])
    with log.open("a") as file:
        file.write('not json\n{"exchange_id": "x"}\n')
    one = Watch(FollowedFiles(log), tmp_path / "state", settings=StreamSettings(every=0))
    rounds = iter(range(3))
    one.run(lambda: next(rounds, None) is None)
    assert one.stream.window.counts.read == 50
    assert one.status()["rejected"] == 2
    assert len((tmp_path / "state" / "rejects.jsonl").read_text().splitlines()) == 2


def test_nothing_to_read_is_an_error_only_where_nothing_is_waited_for(tmp_path):
    one = Watch(FollowedFiles(tmp_path / "none.jsonl"), tmp_path / "state")
    with pytest.raises(InputError, match="nothing to read"):
        one.run(lambda: False, once=True)


def test_a_folder_has_one_watch(tmp_path):
    first = Watch(FollowedFiles(tmp_path / "a.jsonl"), tmp_path / "state")
    second = Watch(FollowedFiles(tmp_path / "a.jsonl"), tmp_path / "state")

    def meanwhile():
        with pytest.raises(OutputError, match="another watch"):
            second.run(lambda: True)
        return True

    first.run(meanwhile)
    second.run(lambda: True)


@pytest.mark.parametrize("option", [["--every", "soon"], ["--memory", "1MB"], ["--window", "0d"], ["--fdr", "2"]])
def test_options_that_make_no_sense_are_one_sentence(option, tmp_path):
    done = CliRunner().invoke(app, ["watch", str(tmp_path / "a.jsonl"), "--state", str(tmp_path / "s"), *option])
    assert isinstance(done.exception, InputError) or done.exit_code == 2


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    """A real server on a free port."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    pytest.importorskip("redis", reason="the Redis client is not installed: pip install 'iolaus[stream]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as one:
        try:
            yield f"redis://127.0.0.1:{port}"
        finally:
            one.terminate()


def connected(url):
    import redis

    client = redis.Redis.from_url(url)
    for _ in range(100):
        try:
            client.ping()
            return client
        except redis.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def test_a_redis_stream_is_followed_and_read_on(redis_url, lines, tmp_path):
    client = connected(redis_url)

    def send(rows):
        for row in rows:
            client.xadd("exchanges", {"exchange": json.dumps(row)})

    def run(rounds):
        one = Watch(open_source(f"{redis_url}/exchanges"), tmp_path / "state", settings=StreamSettings(every=0))
        turns = iter(range(rounds))
        one.run(lambda: next(turns, None) is None)
        return one.stream

    send(lines[:120])
    assert run(2).window.counts.read == 120
    send(lines[120:200])
    stream = run(2)
    assert stream.window.counts.read == 200 and stream.window.counts.repeated == 0
    client.set("text", "no stream")
    with pytest.raises(InputError, match="cannot be read"):
        open_source(f"{redis_url}/text").read()
    with pytest.raises(InputError, match="names no stream"):
        open_source(redis_url)
    client.close()
