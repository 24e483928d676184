"""LiteLLM's payloads as exchanges: the captured ones, and every trap that was seen in them."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iolaus.errors import InputError
from iolaus.forwarded import client_address
from iolaus.ingest import Rejects, read_exchanges
from iolaus.ingest.conversation import read_conversation, text_of
from iolaus.ingest.convert import convert_litellm
from iolaus.ingest.litellm import LiteLLMReading, SetAside, exchange_of

ROOT = Path(__file__).parents[2]
SAMPLES = next((s for s in (ROOT / "shared", ROOT.parent / "shared") if s.exists()), ROOT) / "samples" / "litellm"
captured = pytest.mark.skipif(not SAMPLES.exists(), reason="the captured payloads are not here")


def payload(**more):
    return {
        "litellm_call_id": "c1",
        "id": "chatcmpl-from-upstream",
        "call_type": "acompletion",
        "status": "success",
        "startTime": 1_795_475_566.98,
        "model": "openai/fake",
        "model_group": "fake",
        "metadata": {"user_api_key_user_id": "ann", "user_api_key_team_id": "team", "user_api_key_hash": "h" * 64},
        "messages": [{"role": "user", "content": "hello"}],
        "response": {"choices": [{"message": {"content": "hi"}}]},
        "prompt_tokens": 2,
        "completion_tokens": 3,
    } | more


def read(reading=None, **more):
    return exchange_of(payload(**more), reading or LiteLLMReading())


def samples():
    found = json.loads((SAMPLES / "generic_api_received.jsonl").read_text())["lines"]
    for name in ("slp_failures", "slp_success_mock", "slp_success_stream", "slp_success_tools"):
        document = json.loads((SAMPLES / f"{name}.json").read_text())
        found += document if isinstance(document, list) else [document]
    return found


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_payload_it_is_a_row_or_set_aside(data):
    whole = payload(
        model_parameters={"n": 1, "tools": [{}], "temperature": 0.1},
        error_information={"error_code": "1", "error_message": "m"},
        requester_ip_address="1, 2",
    )
    for name in data.draw(st.sets(st.sampled_from(sorted(whole)), min_size=1, max_size=4)):
        whole[name] = data.draw(ANYTHING)
        if isinstance(payload().get(name), dict) and data.draw(st.booleans()):
            whole[name] = dict.fromkeys(payload()[name], data.draw(ANYTHING))
    try:
        row = exchange_of(whole, LiteLLMReading(trusted_hops=1))
    except SetAside:
        return
    assert row["account_id"] and row["prompt"] and json.dumps(row)


@captured
def test_the_captured_payloads_are_read():
    rows, aside = {}, []
    for item in samples():
        try:
            row = exchange_of(item, LiteLLMReading(trusted_hops=1))
        except SetAside as reason:
            aside.append(str(reason))
        else:
            rows[row["prompt"]] = row
    assert aside == ["no verified account"], "the refused key, logged with empty messages"
    assert rows["Explain recursion step by step"]["system"] == "You are a tutor."
    assert rows["hello there"]["stream"] and rows["hello there"]["response"].startswith("Fake answer")
    assert rows["hello there"]["ip"] == "10.0.0.1", "what the one trusted proxy saw, not what the client wrote"
    assert rows["Solve: 12*13. Show your full reasoning."]["tool_count"] == 1
    codes = {prompt: row["status_code"] for prompt, row in rows.items()}
    assert (codes["throttled one"], codes["blocked one"], codes["GUARDME"]) == (429, 403, 400)
    assert codes["blocked"] == 403, "Iolaus's own refusal through the guardrail, logged as 400"
    assert rows["Explain recursion"]["account_id"] == "acct-alice"


@captured
def test_the_captured_files_convert_to_what_detect_reads(tmp_path):
    out = tmp_path / "out.jsonl"
    counts = convert_litellm(str(SAMPLES / "slp_*.json"), out, LiteLLMReading())
    assert counts == {"written": 9, "no verified account": 1}
    rejects = Rejects(tmp_path / "rejects.jsonl")
    assert sum(batch.num_rows for batch in read_exchanges(out, rejects)) == 9 and rejects.count == 0


def test_the_account_is_what_the_proxy_vouches_for():
    assert read()["account_id"] == "ann"
    assert read(LiteLLMReading(("team_id", "user_id")))["account_id"] == "team"
    assert read(LiteLLMReading(("key_hash",)))["account_id"] == "h" * 64
    row = read(end_user="mallory", trace_id="t", session_id="s", metadata={"user_api_key_hash": "k"})
    assert row["account_id"] == "k" and "conversation_id" not in row and "mallory" not in json.dumps(row)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"metadata": {}}, "no verified account"),
        ({"metadata": None}, "no verified account"),
        ({"status": "failure", "error_information": {"error_code": "401"}}, "no verified account"),
        ({"messages": []}, "no user message"),
        ({"messages": None}, "no user message"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "no user message"),
        ({"messages": [{"role": "user", "content": "redacted-by-litellm"}]}, "content is redacted"),
        ({"call_type": "aembedding"}, "not a text exchange"),
        ({"litellm_call_id": None, "id": None}, "no id or time"),
        ({"startTime": "yesterday"}, "no id or time"),
    ],
)
def test_what_is_no_exchange_of_a_known_account_is_set_aside(more, reason):
    with pytest.raises(SetAside, match=reason):
        read(**more)


@pytest.mark.parametrize("odd", [None, [], "x", 3])
def test_odd_payloads_are_set_aside(odd):
    with pytest.raises(SetAside, match="not an object"):
        exchange_of(odd, LiteLLMReading())


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ({"choices": [{"message": {"content": "chat"}}]}, "chat"),
        ({"choices": [{"text": "completion"}]}, "completion"),
        ({"choices": [{"message": {"content": [{"type": "text", "text": "parts"}]}}]}, "parts"),
        ({"output": [{"type": "reasoning"}, {"content": [{"type": "output_text", "text": "responses"}]}]}, "responses"),
        ({"content": [{"type": "text", "text": "anthropic"}, {"type": "tool_use"}]}, "anthropic"),
        ("plain", "plain"),
        ({"choices": [{"message": {"content": None, "tool_calls": [{}]}}]}, None),
        ({}, None),
        (None, None),
    ],
)
def test_answers_are_found_in_every_route_s_form(response, text):
    assert read(response=response).get("response") == text


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"error_information": {"error_code": "429"}}, 429),
        ({"error_information": {"error_code": 500}}, 500),
        ({"error_information": {"error_code": "", "error_class": "RouterRateLimitError"}}, 429),
        ({"error_information": None, "error_str": "403: suspended"}, 403),
        ({"error_information": {"error_code": "400", "error_message": "iolaus: this account may not"}}, 403),
        ({"error_information": {"error_code": "400", "error_message": "iolaus: too many requests; try"}}, 429),
        ({"error_information": {"error_code": "400", "error_message": "said iolaus: no"}}, 400),
        ({"error_information": {}, "error_str": None}, None),
    ],
)
def test_a_failure_has_the_status_that_the_caller_saw(told, status):
    row = read(status="failure", **told)
    assert row.get("status_code") == status and row["exchange_id"] == "c1-failed"


def test_a_call_that_failed_and_then_succeeded_is_two_exchanges():
    assert read()["exchange_id"] != read(status="failure")["exchange_id"]


@pytest.mark.parametrize(
    ("hops", "header", "logged", "address"),
    [
        # LiteLLM was told to use the header: what it logs is the header as it came.
        (0, "203.0.113.7", "203.0.113.7", None),
        (1, "203.0.113.7", "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.9, 10.0.0.1", "198.51.100.9, 10.0.0.1", "10.0.0.1"),
        (2, "198.51.100.9, 10.0.0.1", "198.51.100.9, 10.0.0.1", "198.51.100.9"),
        (2, "1.1.1.1, 198.51.100.9, 10.0.0.1", "1.1.1.1, 198.51.100.9, 10.0.0.1", "198.51.100.9"),
        (3, "198.51.100.9", "198.51.100.9", None),
        # It was not: what it logs is the connection's own address.
        (0, "6.6.6.6", "192.0.2.1", "192.0.2.1"),
        (0, None, "192.0.2.1", "192.0.2.1"),
        (1, "6.6.6.6, 203.0.113.7", "192.0.2.1", "203.0.113.7"),
        (1, None, "192.0.2.1", "192.0.2.1"),
    ],
)
def test_addresses_are_believed_as_far_as_one_s_own_proxies_wrote_them(hops, header, logged, address):
    headers = {} if header is None else {"X-Forwarded-For": header}
    known = payload()["metadata"] | {"requester_metadata": {"headers": headers}}
    row = read(LiteLLMReading(trusted_hops=hops), metadata=known, requester_ip_address=logged)
    assert row.get("ip") == address


def test_client_addresses():
    assert client_address("a, b, c", "p", 0) == "p"
    assert client_address("a, b, c", "p", 2) == "b"
    assert client_address("", "p", 2) == "p"
    assert client_address(" , ,", None, 1) is None


def test_history_is_the_same_for_whoever_continues_it_and_never_the_shared_instructions():
    first = read_conversation([("system", "s"), ("user", "q1")])
    assert (first.prompt, first.system, first.turn, first.history_digest) == ("q1", "s", 1, None)
    later = read_conversation([("system", "s"), ("user", "q1"), ("assistant", "a1"), ("user", "q2")])
    other = read_conversation([("developer", "t"), ("user", "q1"), ("assistant", "a1"), ("user", "something else")])
    assert later.turn == 2 and later.history_digest == other.history_digest is not None
    changed = read_conversation([("user", "q1"), ("assistant", "a2"), ("user", "q2")])
    assert changed.history_digest != later.history_digest
    assert read_conversation([]).prompt is None


def test_text_of_parts_leaves_pictures_out():
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, {"type": "input_text", "text": "b"}]
    assert text_of(parts) == "a\nb" and text_of(None) == "" and text_of({"x": 1}) == ""


def test_files_of_lines_of_one_document_and_of_arrays_are_read(tmp_path):
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(payload(litellm_call_id=f"l{n}")) for n in range(3)))
    (tmp_path / "b.json").write_text(json.dumps([payload(litellm_call_id="a1")], indent=1))
    (tmp_path / "c.json").write_text(json.dumps(payload(litellm_call_id="l1"), indent=1))
    out = tmp_path / "out" / "rows.jsonl"
    assert convert_litellm(str(tmp_path), out, LiteLLMReading()) == {"written": 4, "repeated": 1}
    (tmp_path / "d.json").write_text("{nonsense")
    with pytest.raises(InputError, match=r"d\.json: neither JSON nor JSON Lines"):
        convert_litellm(str(tmp_path / "d.json"), out, LiteLLMReading())
    assert len(out.read_text().splitlines()) == 4, "the file written before is untouched"
