"""The middleware: refuses what the snapshot says, and lets everything else through as it came."""

import asyncio
import json

import pytest

from iolaus.enforce import Gateway, Guard, Row, Treatment, by_key, by_trusted_header, key_digest, write_snapshot
from iolaus.enforce.buckets import Buckets
from iolaus.enforce.clock import SteadyClock
from iolaus.enforce.settings import ConfiguredGateway, load_settings
from iolaus.errors import InputError

TREATMENTS = {
    "blocked": Treatment("block"),
    "payer": Treatment("challenge", status=402, url="https://example.com/pay"),
    "slow": Treatment("throttle", 60.0, 2),
    "marked": Treatment("watermark"),
    "restricted": Treatment("restrict", withheld="reasoning=withhold; top_logprobs=5"),
    "watched": Treatment("observe"),
}


class Time:
    """Both clocks, moved by hand."""

    def __init__(self):
        self.wall, self.monotonic = 1_000_000.0, 50.0

    def pass_(self, seconds):
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def hands():
    return Time()


@pytest.fixture
def guard(tmp_path, hands):
    rows = [Row(name, f"{i:016x}", 0, 2_000_000, t) for i, (name, t) in enumerate(TREATMENTS.items())]
    write_snapshot(tmp_path / "snapshot", rows, {"snapshot_id": "s1"})
    made = Guard(
        tmp_path / "snapshot",
        clock=SteadyClock(lambda: hands.wall, lambda: hands.monotonic),
        buckets=Buckets(lambda: hands.monotonic),
    )
    yield made
    made.watched.stop()


async def echo(scope, receive, send):
    """Sends back the request's headers and body, a chunk a chunk."""
    headers = [[n.decode("latin-1"), v.decode("latin-1")] for n, v in scope["headers"]]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(headers).encode() + b"\n", "more_body": True})
    while (message := await receive()).get("more_body"):
        await send({"type": "http.response.body", "body": message["body"], "more_body": True})
    await send({"type": "http.response.body", "body": message.get("body", b"")})


def call(app, headers=(), path="/v1/chat/completions", client=("192.0.2.1", 1), body=(b"{}",), kind="http"):
    """One request; returns status, headers, body chunks, and how many body messages were asked for."""
    sent, asked = [], 0
    chunks = list(body)

    async def receive():
        nonlocal asked
        asked += 1
        if kind == "websocket":
            return {"type": "websocket.connect"}
        piece = chunks.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(chunks)}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "headers": list(headers), "client": client, "method": "POST"}
    asyncio.run(app(scope, receive, send))
    start = sent[0]
    return start.get("status", start), dict(start.get("headers", [])), [m.get("body", b"") for m in sent[1:]], asked


def keyed(account):
    return [(b"authorization", f"Bearer sk-{account}".encode())]


@pytest.fixture
def app(guard):
    keys = {key_digest(f"sk-{name}"): name for name in (*TREATMENTS, "ordinary")}
    return Gateway(echo, guard, by_key(lambda: keys))


def test_blocked_accounts_get_403_with_the_decision_and_nothing_of_its_cause(app):
    status, headers, body, asked = call(app, keyed("blocked"))
    assert (status, asked) == (403, 0)
    error = json.loads(body[0])["error"]
    assert error["decision_id"] == f"{0:016x}" and error["code"] == "account_suspended"
    assert headers[b"content-type"] == b"application/json" and b"retry-after" not in headers
    assert set(error) == {"message", "type", "decision_id", "code"}


def test_challenged_accounts_are_told_where_to_go(app):
    status, headers, body, _ = call(app, keyed("payer"))
    assert status == 402 and json.loads(body[0])["error"]["url"] == "https://example.com/pay"
    assert headers[b"link"] == b'<https://example.com/pay>; rel="help"'


def test_throttled_accounts_keep_their_rate_and_learn_when_to_come_back(app, hands):
    assert [call(app, keyed("slow"))[0] for _ in range(3)] == [200, 200, 429]
    status, headers, body, _ = call(app, keyed("slow"))
    assert status == 429 and int(headers[b"retry-after"]) == 1
    hands.pass_(int(headers[b"retry-after"]))
    assert [call(app, keyed("slow"))[0] for _ in range(2)] == [200, 429]
    assert json.loads(body[0])["error"]["type"] == "rate_limit_error"


def test_anthropic_s_route_gets_anthropic_s_form(app):
    _, _, body, _ = call(app, keyed("blocked"), path="/v1/messages")
    found = json.loads(body[0])
    assert found["type"] == "error" and found["error"]["type"] == "permission_error"


def test_everything_else_passes_byte_for_byte(app):
    pieces = (b'{"messages": [', b"\xff\x00 not json", b"")
    for account in ("ordinary", "watched", "nobody"):
        status, _, body, _ = call(app, keyed(account), body=pieces)
        assert status == 200 and b"".join(body[1:]) == b"".join(pieces)


def test_bodies_are_not_held(app):
    """A body of 50 MB in pieces: each piece is handed on before the next is asked for."""
    piece = b"x" * (1 << 20)
    status, _, body, asked = call(app, keyed("ordinary"), body=(piece,) * 50)
    assert (status, asked, sum(map(len, body[1:]))) == (200, 50, 50 << 20)


def test_watermarked_requests_reach_the_server_with_a_mark_nobody_else_can_set(app):
    _, _, body, _ = call(app, keyed("marked"))
    assert ["x-iolaus-watermark", f"{3:016x}"] in json.loads(body[0])
    _, _, body, _ = call(app, [*keyed("ordinary"), (b"x-iolaus-watermark", b"00")])
    assert all(name != "x-iolaus-watermark" for name, _ in json.loads(body[0]))


def test_the_server_is_told_what_to_leave_out_and_nobody_else_can_say_so(app):
    _, _, body, _ = call(app, keyed("restricted"))
    assert ["x-iolaus-restrict", "reasoning=withhold; top_logprobs=5"] in json.loads(body[0])
    _, _, body, _ = call(app, [*keyed("ordinary"), (b"x-iolaus-restrict", b"top_logprobs=20")])
    assert all(name != "x-iolaus-restrict" for name, _ in json.loads(body[0]))


def test_websockets_are_refused_before_they_open(app):
    start, *_ = call(app, keyed("blocked"), kind="websocket")
    assert start["type"] == "websocket.close"


def test_account_headers_count_only_from_a_trusted_hop(guard):
    identify = by_trusted_header("X-Account-Id", ["10.0.0.0/8", "::1"])
    app = Gateway(echo, guard, identify, account_header="X-Account-Id")
    claim = [(b"x-account-id", b"blocked")]
    assert call(app, claim, client=("10.1.2.3", 1))[0] == 403
    assert call(app, claim, client=("::1", 1))[0] == 403
    for outside in (("192.0.2.1", 1), None, ("testclient", 1)):
        status, _, body, _ = call(app, claim, client=outside)
        assert status == 200 and all(name != "x-account-id" for name, _ in json.loads(body[0]))
    # A forwarded address is anyone's word; the connection's own address is what counts.
    forged = [*claim, (b"x-forwarded-for", b"10.1.2.3")]
    assert call(app, forged, client=("192.0.2.1", 1))[0] == 200


def test_a_smuggled_second_account_header_does_not_win(guard):
    app = Gateway(echo, guard, by_trusted_header("x-account-id", ["10.0.0.1"]), account_header="x-account-id")
    twice = [(b"x-account-id", b"ordinary"), (b"x-account-id", b"blocked")]
    assert call(app, twice, client=("10.0.0.1", 1))[0] == 403
    status, _, body, _ = call(app, twice[::-1], client=("10.0.0.1", 1))
    names = [value for name, value in json.loads(body[0]) if name == "x-account-id"]
    assert status == 200 and names == ["ordinary"]


@pytest.mark.parametrize("claim", [b"", b"   ", b"x" * 600, b"\xff\xfe"])
def test_odd_account_headers_name_nobody_and_break_nothing(guard, claim):
    app = Gateway(echo, guard, by_trusted_header("x-account-id", ["10.0.0.1"]), account_header="x-account-id")
    assert call(app, [(b"x-account-id", claim)], client=("10.0.0.1", 1))[0] == 200


def test_other_paths_are_not_guarded(guard):
    app = Gateway(echo, guard, by_key(lambda: {key_digest("sk-blocked"): "blocked"}), paths=("/v1/",))
    assert call(app, keyed("blocked"), path="/healthz")[0] == 200
    assert call(app, keyed("blocked"))[0] == 403


@pytest.mark.parametrize(("fail", "status"), [("open", 200), ("closed", 503)])
def test_without_any_snapshot_the_setting_decides(tmp_path, fail, status):
    guard = Guard(tmp_path / "none", fail=fail)
    app = Gateway(echo, guard, by_key(lambda: {key_digest("sk-a"): "a"}))
    assert call(app, keyed("a"))[0] == status
    guard.watched.stop()


def test_a_clock_that_jumps_and_comes_back_changes_no_decision(app, guard, hands):
    for jump in (10**9, -(10**9)):
        hands.wall += jump
        hands.pass_(30)
        assert call(app, keyed("blocked"))[0] == 403
        hands.wall -= jump
        assert call(app, keyed("blocked"))[0] == 403
    assert guard.status()["clock_jumps"] == 2


def test_a_clock_that_stays_where_it_jumped_is_followed_after_ten_minutes(app, hands):
    hands.wall += 10**9
    assert call(app, keyed("blocked"))[0] == 403
    hands.pass_(599)
    assert call(app, keyed("blocked"))[0] == 403
    hands.pass_(2)
    assert call(app, keyed("blocked"))[0] == 200, "by the clock that everyone now agrees on the decision has ended"


def test_buckets_are_bounded():
    buckets = Buckets(lambda: 0.0, most=10)
    for i in range(100):
        buckets.take(str(i), 1, 1)
    assert len(buckets._levels) == 10


def test_the_gateway_counts_and_names_no_account(app, guard):
    call(app, keyed("blocked"))
    call(app, keyed("watched"))
    call(app, [])
    told = guard.status()
    assert told["requests"] == {"block": 1, "observe": 1, "unidentified": 1}
    assert "blocked" not in json.dumps(told)


def test_settings_build_the_same_gateway(tmp_path, guard, monkeypatch):
    (tmp_path / "keys.json").write_text(json.dumps({key_digest("sk-blocked"): "blocked"}))
    path = tmp_path / "gateway.yaml"
    path.write_text("schema: iolaus.gateway/1\nsnapshot: snapshot\nkeys: keys.json\n")
    monkeypatch.setenv("IOLAUS_GATEWAY", str(path))
    assert call(ConfiguredGateway(echo), keyed("blocked"))[0] == 200, "the snapshot's decisions ended in 1970"
    write_snapshot(tmp_path / "snapshot", [Row("blocked", "0a", 0, 2**40, Treatment("block"))], {"snapshot_id": "s2"})
    assert call(ConfiguredGateway(echo), keyed("blocked"))[0] == 403
    path.write_text("schema: iolaus.gateway/1\nsnapshot: snapshot\n")
    with pytest.raises(InputError, match="no account is ever known"):
        load_settings(path).identify()
    monkeypatch.delenv("IOLAUS_GATEWAY")
    with pytest.raises(InputError, match="names no settings file"):
        ConfiguredGateway(echo)
