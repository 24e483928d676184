"""The service beside LiteLLM, without LiteLLM: tokens, captured payloads, odd bodies, kills and full disks."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from gateway_doubles import CLIENT, ROOT, TOKEN, free_port, publish, python, read_rows, running

from iolaus.enforce.guard import Guard
from iolaus.enforce.sender import LogSender
from iolaus.enforce.service import GUARDRAIL_PATH, LOGS_PATH, Service
from iolaus.enforce.sink import LogSink
from iolaus.errors import InputError, OutputError
from iolaus.ingest.litellm import LiteLLMReading

SAMPLES = ROOT / "shared" / "samples" / "litellm"
SAMPLES = SAMPLES if SAMPLES.exists() else ROOT.parent / "shared" / "samples" / "litellm"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def payload(number, account="ann", **more):
    return {
        "litellm_call_id": f"call-{number}",
        "call_type": "acompletion",
        "status": "success",
        "startTime": 1_790_000_000 + number,
        "metadata": {"user_api_key_user_id": account},
        "messages": [{"role": "user", "content": f"prompt {number}"}],
        "response": {"choices": [{"message": {"content": "answer"}}]},
    } | more


@pytest.fixture
def sink(tmp_path):
    return LogSink(tmp_path / "logs", LiteLLMReading())


@pytest.fixture
def service(tmp_path, sink):
    publish(tmp_path / "snapshot")
    guard = Guard(tmp_path / "snapshot")
    yield Service(guard, sink, TOKEN)
    guard.watched.stop()


def send(service, method, path, **more):
    async def once():
        transport = httpx.ASGITransport(service.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.request(method, path, **more)

    return asyncio.run(once())


def question(account, **more):
    return {"input_type": "request", "request_data": {"user_api_key_user_id": account}, "texts": ["hi"]} | more


def test_without_the_token_nobody_reads_or_changes_anything(service, sink, tmp_path):
    for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": ""}, {"authorization": f"Basic {TOKEN}"}):
        for method, path in (("POST", GUARDRAIL_PATH), ("POST", LOGS_PATH), ("GET", "/status")):
            answer = send(service, method, path, headers=headers, json=question("acct-blocked"))
            if method == "GET":
                answer = send(service, method, path, headers=headers)
            assert answer.status_code == 401 and "decision" not in answer.text
    assert not (tmp_path / "logs").exists() and service._guard.status()["requests"] == {}
    assert send(service, "GET", "/healthz").content == b""


def test_a_short_token_is_refused(service, sink):
    with pytest.raises(InputError, match="at least 16 characters"):
        Service(service._guard, sink, "short")


@pytest.mark.parametrize("header", [BEARER, {"x-api-key": TOKEN}])
def test_the_guardrail_is_answered(service, header):
    def ask(body):
        return send(service, "POST", GUARDRAIL_PATH, headers=header, json=body).json()

    assert ask(question("acct-ordinary")) == {"action": "NONE"}
    refused = ask(question("acct-blocked"))
    assert refused["action"] == "BLOCKED" and refused["blocked_reason"].startswith("iolaus: ")
    assert ask(question("acct-blocked", input_type="response")) == {"action": "NONE"}
    assert ask({"input_type": "request"}) == {"action": "NONE"}
    assert ask(question(["acct-blocked"])) == {"action": "NONE"}


def test_what_the_client_says_about_itself_is_no_account(service):
    body = question("acct-ordinary", additional_provider_specific_params={"user_api_key_user_id": "acct-blocked"})
    body["request_data"]["user_api_key_end_user_id"] = "acct-blocked"
    assert send(service, "POST", GUARDRAIL_PATH, headers=BEARER, json=body).json() == {"action": "NONE"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"null"])
def test_malformed_questions_are_a_400(service, body):
    answer = send(service, "POST", GUARDRAIL_PATH, headers=BEARER, content=body)
    assert answer.status_code == 400


def test_a_question_of_50_mb_is_answered(service):
    big = question("acct-blocked", texts=["x" * (50 << 20)])
    assert send(service, "POST", GUARDRAIL_PATH, headers=BEARER, json=big).json()["action"] == "BLOCKED"


def test_a_body_beyond_the_limit_is_refused(service, monkeypatch):
    monkeypatch.setattr("iolaus.enforce.service._MOST_BYTES", 1000)
    assert send(service, "POST", LOGS_PATH, headers=BEARER, content=b"x" * 1001).status_code == 413


@pytest.mark.skipif(not SAMPLES.exists(), reason="the captured payloads are not here")
def test_captured_questions_are_answered(service):
    for line in (SAMPLES / "generic_guardrail_received.jsonl").read_text().splitlines():
        answer = send(service, "POST", GUARDRAIL_PATH, headers=BEARER, json=json.loads(line)["request"])
        assert answer.json() == {"action": "NONE"}


def lines(*payloads):
    return "\n".join(json.dumps(p) for p in payloads).encode()


@pytest.mark.parametrize("form", ["lines", "array", "single"])
def test_logs_come_in_all_three_forms(sink, tmp_path, form):
    if form == "single":
        for number in range(3):
            sink.put(lines(payload(number)))
    else:
        batch = [payload(number) for number in range(3)]
        sink.put(lines(*batch) if form == "lines" else json.dumps(batch).encode())
    assert sink.drain() == 0
    assert [row["exchange_id"] for row in read_rows(tmp_path / "logs")] == ["call-0", "call-1", "call-2"]


def test_a_broken_line_costs_only_itself(sink, tmp_path):
    strange = [b"{", b"null", b"[1]", b'"x"', b"\xff\xfe", json.dumps(payload(7, messages="nested " * 3)).encode()]
    sink.put(b"\n".join([lines(payload(1)), *strange, lines(payload(2))]))
    sink.drain()
    assert [row["exchange_id"] for row in read_rows(tmp_path / "logs")] == ["call-1", "call-7", "call-2"]
    assert sink.counts["not an object"] == 5


def test_what_is_sent_twice_is_written_once(sink, tmp_path):
    for _ in range(2):
        sink.put(lines(payload(1), payload(1), payload(2)))
    sink.drain()
    assert len(read_rows(tmp_path / "logs")) == 2 and sink.counts["repeated"] == 4


def test_a_batch_written_but_not_removed_before_a_kill_is_not_written_again(sink, tmp_path):
    sink.put(lines(payload(1), payload(2)))
    (spooled,) = (tmp_path / "logs" / ".incoming").glob("*.body")
    body = spooled.read_bytes()
    sink.drain()
    spooled.write_bytes(body)
    again = LogSink(tmp_path / "logs", LiteLLMReading())
    again.drain()
    assert len(read_rows(tmp_path / "logs")) == 2 and not spooled.exists()


def test_a_torn_last_row_is_taken_off_and_comes_again_from_the_spool(sink, tmp_path):
    sink.put(lines(payload(1)))
    sink.drain()
    (path,) = (tmp_path / "logs").glob("*.jsonl")
    with open(path, "ab") as file:
        file.write(b'{"exchange_id": "call-2", "ti')
    sink.put(lines(payload(2)))
    again = LogSink(tmp_path / "logs", LiteLLMReading())
    again.drain()
    assert [row["exchange_id"] for row in read_rows(tmp_path / "logs")] == ["call-1", "call-2"]


def test_a_full_disk_keeps_the_batch_and_says_so(service, sink, tmp_path, monkeypatch):
    sink.put(lines(payload(1)))
    real = os.pwrite

    def full(handle, data, at):
        real(handle, bytes(data)[:5], at)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        assert sink.drain() == 1 and sink.counts["postponed"] == 1
    (path,) = (tmp_path / "logs").glob("*.jsonl")
    assert path.read_bytes() == b""
    assert sink.drain() == 0 and len(read_rows(tmp_path / "logs")) == 1
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match="No space left"):
        sink.put(lines(payload(2)))
    assert send(service, "POST", LOGS_PATH, headers=BEARER, content=lines(payload(2))).status_code == 507


WRITER = """
import sys
from pathlib import Path
from iolaus.enforce.sink import LogSink
from iolaus.ingest.litellm import LiteLLMReading
import json, threading
sink = LogSink(Path(sys.argv[1]), LiteLLMReading())
def drain():
    while True:
        sink.drain()
threading.Thread(target=drain, daemon=True).start()
n = int(sys.argv[2])
while True:
    batch = [{"litellm_call_id": f"c{i}", "call_type": "acompletion", "status": "success", "startTime": 1.79e9,
              "metadata": {"user_api_key_user_id": "a"}, "messages": [{"role": "user", "content": "x" * 500}]}
             for i in range(n, n + 20)]
    sink.put(json.dumps(batch).encode())
    n += 20
    print(n, flush=True)
"""


def test_a_writer_killed_at_random_moments_loses_and_repeats_no_acknowledged_row(tmp_path):
    told = 0
    for round_ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "logs"), str(told)],
                                  stdout=subprocess.PIPE)  # fmt: skip
        assert writer.stdout.readline()
        time.sleep(0.03 + 0.041 * round_)
        writer.send_signal(signal.SIGKILL)
        more = writer.communicate()[0].split()
        told = int(more[-1]) if more else told + 20
    last = LogSink(tmp_path / "logs", LiteLLMReading())
    assert last.drain() == 0
    found = [row["exchange_id"] for row in read_rows(tmp_path / "logs")]
    assert len(found) == len(set(found)), "nothing twice"
    assert {f"c{n}" for n in range(told)} <= set(found), "nothing lost"


def test_the_sender_keeps_what_the_service_has_not_acknowledged():
    """It fails twice, then takes all; meanwhile more comes."""
    got, failures = [], [httpx.Response(507), httpx.ConnectError("away")]

    def answer(request):
        if failures:
            failure = failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        got.extend(json.loads(line) for line in request.content.split(b"\n"))
        return httpx.Response(202)

    async def run():
        sender = LogSender("http://service/logs", TOKEN, every_s=0.01, transport=httpx.MockTransport(answer))
        for number in range(600):
            sender.add({"n": number})
            if number % 100 == 0:
                await asyncio.sleep(0.02)
        await sender._task
        return sender.dropped

    assert asyncio.run(run()) == 0
    assert [item["n"] for item in got] == list(range(600))


def test_the_sender_drops_the_oldest_beyond_its_bound():
    got = []

    def answer(request):
        got.extend(json.loads(line)["n"] for line in request.content.split(b"\n"))
        return httpx.Response(202)

    async def run():
        sender = LogSender("http://s/logs", TOKEN, every_s=0.01, most=10, transport=httpx.MockTransport(answer))
        for number in range(30):
            sender.add({"n": number})
        await sender._task
        return sender.dropped

    assert asyncio.run(run()) == 20
    assert got == list(range(20, 30))


def test_the_real_service_answers_while_it_takes_logs_and_needs_its_token(tmp_path):
    publish(tmp_path / "snapshot")
    (tmp_path / "gateway.yaml").write_text("schema: iolaus.gateway/1\nsnapshot: snapshot\n")
    address = f"http://127.0.0.1:{free_port()}"
    command = python("from iolaus.cli import main; main()", "enforce", "serve", "--settings", tmp_path / "gateway.yaml",
                     "--logs", tmp_path / "logs", "--port", address.rsplit(":", 1)[1])  # fmt: skip
    with running(command, f"{address}/healthz", environment={"IOLAUS_SERVICE_TOKEN": TOKEN}):

        def log(start):
            for number in range(start, start + 500, 50):
                batch = lines(*(payload(n) for n in range(number, number + 50)))
                assert CLIENT.post(address + LOGS_PATH, content=batch, headers=BEARER).status_code == 202

        threads = [threading.Thread(target=log, args=(start,)) for start in (0, 500)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            answer = CLIENT.post(address + GUARDRAIL_PATH, json=question("acct-blocked"), headers=BEARER)
            assert answer.json()["action"] == "BLOCKED"
        for thread in threads:
            thread.join()
        assert CLIENT.get(address + "/status").status_code == 401
        end = time.monotonic() + 20
        while CLIENT.get(address + "/status", headers=BEARER).json()["logs"].get("written") != 1000:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert len(read_rows(tmp_path / "logs")) == 1000


def test_the_service_does_not_start_without_a_token(tmp_path):
    publish(tmp_path / "snapshot")
    (tmp_path / "gateway.yaml").write_text("schema: iolaus.gateway/1\nsnapshot: snapshot\n")
    words = ["enforce", "serve", "--settings", str(tmp_path / "gateway.yaml"), "--port", "0"]
    command = python("from iolaus.cli import main; main()", *words)
    without = {name: value for name, value in os.environ.items() if name != "IOLAUS_SERVICE_TOKEN"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=without)
    assert done.returncode == 2 and "at least 16 characters" in done.stderr and "Traceback" not in done.stderr
