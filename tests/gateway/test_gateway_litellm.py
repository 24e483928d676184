"""A real LiteLLM proxy: decisions over HTTP and by plug-in, logs as exchanges, and nobody's word but the proxy's."""

import threading
import time
from hashlib import sha256

import pytest
from gateway_doubles import CLIENT, TOKEN, TREATMENTS, ask, publish, read_rows, running
from litellm_proxy import AT_PLUGIN, LITELLM, proxy, serve

from iolaus.ingest import Rejects, read_exchanges

pytestmark = pytest.mark.skipif(
    not LITELLM.exists(), reason="no LiteLLM proxy here: make .venv-litellm/.ready installs it"
)

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
ROUTES = (CHAT, MESSAGES, RESPONSES)


def body(route, text):
    if route == RESPONSES:
        return {"model": "fake", "input": text}
    return ask(text) | ({"max_tokens": 20} if route == MESSAGES else {})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("litellm")


@pytest.fixture(scope="module")
def started(place):
    with proxy(place) as addresses:
        yield addresses


@pytest.fixture
def call(started):
    def send(account, route=CHAT, text="hello", headers=(), **more):
        told = {"authorization": f"Bearer sk-{account}"} | dict(headers)
        return CLIENT.post(started.front + route, json=body(route, text) | more, headers=told)

    return send


def rows_about(folder, text):
    return [row for row in read_rows(folder) if row["prompt"] == text]


def logged(place, text, count=1, seconds=20.0, folder="plugin-logs"):
    """The rows about a prompt, once as many have arrived.

    They come through the plug-in, for LiteLLM's own callback forgets what is logged while a batch is on its way.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rows = rows_about(place / folder, text)
        if len(rows) >= count:
            return rows
        time.sleep(0.1)
    raise AssertionError(f"{text!r} was not logged {count} times")


@pytest.mark.parametrize("route", ROUTES)
def test_the_guardrail_refuses_and_lets_pass(call, route):
    for account in ("acct-ordinary", "acct-watched", "acct-marked"):
        assert call(account, route).status_code == 200
    for account, words in (("acct-blocked", "may not use the service"), ("acct-payer", "https://example.com/pay")):
        refused = call(account, route)
        assert refused.status_code == 400
        assert refused.json()["error"]["message"].startswith("iolaus: ") and words in refused.text
        assert "(decision 000000000000000" in refused.text


def test_a_stream_is_refused_before_it_begins(call):
    assert call("acct-blocked", stream=True).status_code == 400
    assert call("plug-blocked", stream=True).status_code == 403


def test_the_guardrail_slows_down(call):
    answers = [call("acct-slow") for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 400, 400]
    assert "too many requests; try again in" in answers[-1].text


@pytest.mark.parametrize("route", ROUTES)
def test_the_plug_in_refuses_with_the_right_status(call, route):
    assert call("plug-ordinary", route).status_code == 200
    assert call("plug-blocked", route).status_code == 403
    refused = call("plug-payer", route)
    assert refused.status_code == 402 and "https://example.com/pay" in refused.text


def test_the_plug_in_answers_429_with_retry_after(call):
    answers = [call("plug-slow") for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10


def test_the_plug_in_marks_requests_for_the_model_server(call):
    def mark(account):
        return call(account, text="MARK").json()["choices"][0]["message"]["content"].split()[-1]

    assert (mark("plug-marked"), mark("plug-ordinary")) == (f"{4:016x}", "none")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("field", ["metadata", "litellm_metadata"])
def test_nobody_passes_for_another_account(call, route, field):
    """The proxy's own notes about a key stand where clients may write too."""

    def claiming(account):
        names = ("user_id", "team_id", "hash", "alias", "token", "org_id")
        return {field: {f"user_api_key_{name}": account for name in names}}

    for blocked in ("acct-blocked", "plug-blocked"):
        assert call(blocked, route, **claiming("acct-ordinary")).status_code in (400, 403)
    for free in ("acct-ordinary", "anon-1"):
        for victim in ("acct-blocked", "plug-blocked"):
            assert call(free, route, **claiming(victim)).status_code == 200


def test_a_key_that_nothing_else_is_known_of_is_its_own_account(call, place):
    assert call("anon-blocked").status_code == 400
    assert call("anon-plugged").status_code == 403
    call("anon-1", text="from a bare key")
    assert logged(place, "from a bare key")[0]["account_id"] == sha256(b"sk-anon-1").hexdigest()


def test_exchanges_are_logged_as_the_contract_has_them(call, place):
    call("acct-ordinary", text="first of all", user="someone else", temperature=0.5, max_tokens=9)
    (row,) = logged(place, "first of all")
    assert (row["account_id"], row["status_code"], row["response"]) == ("acct-ordinary", 200, "Echo: first of all")
    assert (row["temperature"], row["max_tokens"], row["stream"], row["turn"]) == (0.5, 9, False, 1)
    assert row["api_key_id"] == sha256(b"sk-acct-ordinary").hexdigest()
    assert "conversation_id" not in row and "history_digest" not in row


def test_conversations_tools_streams_and_failures_are_logged(call, place):
    def dialogue(account):
        said = [("system", "be brief"), ("user", "q1"), ("assistant", "a1"), ("user", "the second question")]
        call(account, messages=[{"role": role, "content": text} for role, text in said])

    dialogue("acct-ordinary")
    dialogue("acct-other")
    first, second = logged(place, "the second question", 2)
    assert (first["turn"], first["system"]) == (2, "be brief")
    assert first["history_digest"] == second["history_digest"], "the same history, whoever continues it"

    tool = {"type": "function", "function": {"name": "calc", "parameters": {"type": "object", "properties": {}}}}
    assert call("acct-ordinary", text="use a tool", tools=[tool]).json()["choices"][0]["message"]["tool_calls"]
    assert logged(place, "use a tool")[0]["tool_count"] == 1

    streamed = call("acct-ordinary", text="as a stream please", stream=True)
    assert "data: [DONE]" in streamed.text and streamed.text.count("data: {") > 3
    (row,) = logged(place, "as a stream please")
    assert (row["stream"], row["response"].split()) == (True, "Echo: as a stream please".split())

    assert call("acct-ordinary", text="FAIL now").status_code == 500
    (row,) = logged(place, "FAIL now")
    assert row["status_code"] == 500 and row["exchange_id"].endswith("-failed")

    for route in (MESSAGES, RESPONSES):
        call("acct-ordinary", route, text=f"by {route}")
        assert logged(place, f"by {route}")[0]["response"].startswith("Echo: ")


def test_refusals_are_logged_as_refusals_though_the_proxy_says_400(call, place):
    call("acct-blocked", text="blocked by guardrail")
    call("plug-blocked", text="blocked by plug-in")
    for text in ("blocked by guardrail", "blocked by plug-in"):
        assert logged(place, text)[0]["status_code"] == 403


def test_a_refused_key_is_no_account(call, place):
    assert call("bad-key", text="not let in").status_code == 401
    call("acct-ordinary", text="after the bad key")
    logged(place, "after the bad key")
    assert all("bad" not in row["account_id"] for row in read_rows(place / "plugin-logs"))


def test_forwarded_addresses_count_as_far_as_one_s_own_proxies_wrote_them(call, place):
    call("acct-ordinary", text="forged address", headers={"x-forwarded-for": "198.51.100.1, 203.0.113.9"})
    call("acct-ordinary", text="no address header")
    assert logged(place, "forged address")[0]["ip"] == "203.0.113.9"
    assert logged(place, "no address header")[0]["ip"] == "127.0.0.1"


@pytest.mark.parametrize("route", ROUTES)
def test_by_http_alone_the_same_rows_arrive(call, place, route):
    """Asked again until one gets through, for some are forgotten on their way."""
    text = f"by callback {route}"
    for _ in range(10):
        call("acct-ordinary", route, text=text)
        end = time.monotonic() + 3
        while not rows_about(place / "logs", text) and time.monotonic() < end:
            time.sleep(0.1)
    by_callback = rows_about(place / "logs", text)
    by_plug_in = {row["exchange_id"]: row for row in logged(place, text, 10)}
    assert by_callback and all(row == by_plug_in[row["exchange_id"]] for row in by_callback)


def test_many_keys_at_once_are_each_logged_once_under_their_own_account(call, place):
    def send(number):
        call(f"acct-m{number}", text=f"many keys {number}", stream=number % 2 == 0)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(40):
        (row,) = logged(place, f"many keys {number}")
        assert row["account_id"] == f"acct-m{number}"
    by_callback = [row for row in read_rows(place / "logs") if row["prompt"].startswith("many keys ")]
    assert all(row["account_id"] == f"acct-m{row['prompt'].split()[-1]}" for row in by_callback)
    assert len(by_callback) == len({row["prompt"] for row in by_callback})


def test_detect_s_reader_takes_the_logged_folder(call, place, tmp_path):
    call("acct-ordinary", text="read me")
    logged(place, "read me")
    rejects = Rejects(tmp_path / "rejects.jsonl")
    rows = [row for batch in read_exchanges(place / "plugin-logs", rejects) for row in batch.to_pylist()]
    assert rejects.count == 0 and len(rows) == len({row["exchange_id"] for row in rows}) > 0


def test_a_new_snapshot_is_taken_up_by_both(call, place):
    try:
        publish(place / "snapshot", {"acct-new": TREATMENTS["acct-blocked"]}, name="s2")
        publish(place / "plugin-snapshot", {"plug-new": AT_PLUGIN["plug-blocked"]}, name="s2")
        end = time.monotonic() + 10
        while call("acct-new").status_code != 400 or call("plug-new").status_code != 403:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert call("acct-blocked").status_code == 200
    finally:
        publish(place / "snapshot", name="s3")
        publish(place / "plugin-snapshot", AT_PLUGIN, name="s3")


def test_with_the_services_killed_traffic_flows_and_no_log_is_lost(started, call, place):
    """Last of all, for it puts other services in the first ones' place."""
    for process in started.processes:
        process.kill()
        process.wait()
    assert call("acct-ordinary", text="while they were away").status_code == 200
    assert call("acct-blocked").status_code == 200, "the guardrail is set to fail open"
    assert call("plug-blocked").status_code == 403, "the plug-in does not need the service"
    again = {"environment": {"IOLAUS_SERVICE_TOKEN": TOKEN}}
    first, second = started.services
    with (
        running(serve(place, first), f"{first}/healthz", **again),
        running(serve(place, second, "plugin-logs"), f"{second}/healthz", **again),
    ):
        assert call("acct-blocked").status_code == 400
        (row,) = logged(place, "while they were away", seconds=60)
        assert row["account_id"] == "acct-ordinary"
