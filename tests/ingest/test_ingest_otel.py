"""OTLP JSON of GenAI spans and log events, joined with an access log."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iolaus.errors import InputError
from iolaus.ingest import Rejects, read_exchanges
from iolaus.ingest.convert import convert_otel
from iolaus.ingest.otel import exchanges_of

ROOT = Path(__file__).parents[2]
SAMPLES = next((s for s in (ROOT / "shared", ROOT.parent / "shared") if s.exists()), ROOT) / "samples" / "otel"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ASKED = [{"role": "user", "parts": [{"type": "text", "content": "why?"}]}]
ASKED_TEXT = json.dumps(ASKED)
captured = pytest.mark.skipif(not SAMPLES.exists(), reason="the captured payloads are not here")


def attribute(key, value):
    kind = {str: "stringValue", int: "intValue", float: "doubleValue", bool: "boolValue"}[type(value)]
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def span(messages=ASKED_TEXT, trace=TRACE, span_id=SPAN, **more):
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 4} | more
    if messages is not None:
        said["gen_ai.input.messages"] = messages
    item = {
        "traceId": trace,
        "spanId": span_id,
        "startTimeUnixNano": "1795475847994101168",
        "attributes": [attribute(key, value) for key, value in said.items()],
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [item]}]}]}


def event(trace=TRACE, span_id=SPAN):
    def nested(value):
        if isinstance(value, dict):
            return {"kvlistValue": {"values": [{"key": k, "value": nested(v)} for k, v in value.items()]}}
        if isinstance(value, list):
            return {"arrayValue": {"values": [nested(item) for item in value]}}
        return {"stringValue": value}

    said = [attribute("gen_ai.operation.name", "chat"), {"key": "gen_ai.input.messages", "value": nested(ASKED)}]
    record = {"traceId": trace, "spanId": span_id, "observedTimeUnixNano": "1795475848000000000", "attributes": said}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


WHO = {TRACE: {"account_id": "ann", "ip": "192.0.2.1", "status_code": 200}}


@captured
def test_the_captured_exports_are_read(tmp_path):
    access = tmp_path / "access.jsonl"
    entries = [
        {"response_id": "chatcmpl-011ae5d90e4e", "account_id": "ann", "ip": "192.0.2.7", "user_agent": "curl"},
        {"trace_id": "8AC23F138".lower(), "account_id": "nobody"},
        {"response_id": "resp_4981fdc079ea", "account_id": "bob"},
        {"response_id": "chatcmpl-d5a9bb610ba0", "account_id": "eve"},
    ]
    access.write_text("\n".join(json.dumps(entry) for entry in entries))
    out = tmp_path / "rows.jsonl"
    counts = convert_otel(str(SAMPLES), out, str(access))
    assert counts == {"written": 2, "no entry in the access log": 3, "no message content": 1}
    rejects = Rejects(tmp_path / "rejects.jsonl")
    rows = [row for batch in read_exchanges(out, rejects) for row in batch.to_pylist()]
    assert rejects.count == 0
    first = next(row for row in rows if row["account_id"] == "ann")
    assert (first["prompt"], first["system"]) == ("Explain recursion", "Be brief")
    assert first["response"] == "Fake answer fe5ca4d5 to: Explain recursion"
    assert (first["ip"], first["temperature"], first["max_tokens"]) == ("192.0.2.7", 0.2, 64)
    assert first["timestamp"].year == 2026


@pytest.mark.parametrize("order", ["span first", "event first"])
def test_messages_on_a_log_event_join_their_span(order):
    halves = [span(messages=None), event()]
    rows = list(exchanges_of(halves if order == "span first" else halves[::-1], WHO, {}))
    assert [(row["prompt"], row["input_tokens"], row["timestamp"]) for row in rows] == [
        ("why?", 4, 1795475847994101168)
    ]


def test_ids_in_hex_and_in_base64_are_the_same():
    import base64

    packed = {
        "trace": base64.b64encode(bytes.fromhex(TRACE)).decode(),
        "span_id": base64.b64encode(bytes.fromhex(SPAN)).decode(),
    }
    (row,) = exchanges_of([span(**packed)], WHO, {})
    assert row["exchange_id"] == f"{TRACE}-{SPAN}" and row["account_id"] == "ann"


def test_spans_of_one_trace_are_exchanges_of_their_own():
    rows = list(exchanges_of([span(), span(span_id="c7ad6b7169203331")], WHO, {}))
    assert len({row["exchange_id"] for row in rows}) == 2


def test_what_cannot_be_used_is_counted():
    counts = {}
    broken = [span(messages="not json"), span(trace="f" * 32), span(messages=None), {"resourceSpans": []}, 7, {}]
    assert list(exchanges_of(broken[:1], WHO, counts)) == []
    assert list(exchanges_of(broken[1:], WHO, counts)) == []
    assert counts == {"no message content": 2, "no entry in the access log": 1}


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_stands_in_an_export_nothing_breaks(data):
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )

    def spoil(node):
        """One place of the document, somewhere on the way down, becomes anything."""
        if not isinstance(node, dict | list) or not node or data.draw(st.integers(0, 5)) == 0:
            return data.draw(anything)
        places = list(node) if isinstance(node, dict) else range(len(node))
        place = data.draw(st.sampled_from(list(places)))
        node[place] = spoil(node[place])
        return node

    documents = [spoil(data.draw(st.sampled_from([span, event]))()) for _ in range(2)]
    for row in exchanges_of(documents, WHO, {}):
        assert row["account_id"] == "ann" and row["prompt"]


def test_an_access_log_without_accounts_is_one_clear_error(tmp_path):
    (tmp_path / "access.jsonl").write_text('{"path": "/v1"}\n')
    (tmp_path / "otlp.jsonl").write_text(json.dumps(span()))
    with pytest.raises(InputError, match="no line has an account_id"):
        convert_otel(str(tmp_path / "otlp.jsonl"), tmp_path / "out.jsonl", str(tmp_path / "access.jsonl"))
    assert not (tmp_path / "out.jsonl").exists()
