"""A real server with the middleware, and what a bad day brings. All on 127.0.0.1, bounded in number and time."""

import asyncio
import json
import os
import resource
import signal
import socket
import time

import httpx
import pytest
from gateway_doubles import CLIENT, GUARDED, TREATMENTS, ask, free_port, publish, python, running

from iolaus.enforce import key_digest

ACCOUNTS = [*TREATMENTS, "acct-ordinary"]


def bearer(account):
    return {"authorization": f"Bearer sk-{account}"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    found = tmp_path_factory.mktemp("gateway")
    (found / "keys.json").write_text(json.dumps({key_digest(f"sk-{a}"): a for a in ACCOUNTS}))
    (found / "gateway.yaml").write_text(
        "schema: iolaus.gateway/1\nsnapshot: snapshot\nkeys: keys.json\nevery_s: 0.05\naccount_header: x-account-id\n"
    )
    publish(found / "snapshot")
    return found


@pytest.fixture(scope="module")
def server(place):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {"IOLAUS_GATEWAY": str(place / "gateway.yaml")}
    with running(python(GUARDED, port), url, environment=environment, log=place / "log") as process:
        yield url, process


@pytest.fixture
def url(server, place):
    publish(place / "snapshot")
    yield server[0]
    assert server[1].poll() is None, "the gateway did not survive this"


def post(url, account="acct-ordinary", path="/v1/chat/completions", **more):
    if "content" not in more:
        more.setdefault("json", ask())
    return CLIENT.post(url + path, headers=bearer(account) | more.pop("headers", {}), **more)


def until(check, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return False


def test_the_treatments_reach_real_clients(url):
    assert post(url).json()["choices"][0]["message"]["content"] == "Echo: hello"
    assert post(url, "acct-blocked").status_code == 403
    assert post(url, "acct-payer").status_code == 402
    codes = [post(url, "acct-slow") for _ in range(4)]
    assert [r.status_code for r in codes] == [200, 200, 429, 429]
    assert 1 <= int(codes[-1].headers["retry-after"]) <= 10
    assert post(url, "acct-unknown-key").status_code == 200, "an unknown key is the server's own affair"


def test_streams_arrive_as_they_are_made(url):
    came = []
    with CLIENT.stream("POST", f"{url}/v1/chat/completions", headers=bearer("acct-watched"),
                      json=ask("one two three four five six", stream=True)) as answer:  # fmt: skip
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                came.append((time.monotonic(), json.loads(line[6:])["choices"][0]["delta"].get("content", "")))
    assert "".join(word for _, word in came).split() == "Echo: one two three four five six".split()
    assert came[-1][0] - came[0][0] > 0.08, "the pieces came apart, not all at the end"


def test_malformed_json_reaches_the_server_untouched(url):
    for body in (b"{", b"\xff\xfe", b"[[[[", b'{"messages": ' + b"[" * 2000):
        answer = post(url, content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_json")


def memory(process):
    with open(f"/proc/{process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) >> 10


def test_bodies_of_50_mb_pass_without_being_held(url, server):
    def pieces():
        for _ in range(50):
            yield b"x" * (1 << 20)

    before = memory(server[1])
    answer = post(url, path="/size", content=pieces())
    assert answer.json()["size"] == 50 << 20
    assert memory(server[1]) - before < 25, "MB"


def test_a_refused_upload_is_not_read(url):
    def endless():
        for _ in range(50):
            yield b"x" * (1 << 20)

    try:
        assert post(url, "acct-blocked", content=endless()).status_code == 403
    except httpx.WriteError:
        pass  # The server hung up while the client was still sending, which is its right.
    assert post(url).status_code == 200


def test_headers_cannot_be_smuggled_in(url):
    """What httpx would refuse to send goes through a bare socket."""
    host, port = url.removeprefix("http://").split(":")

    async def raw(request):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer

    injected = b"x-account-id: acct-ordinary\r\nx-iolaus-watermark: 01"
    got = asyncio.run(raw(b"POST /size HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n"
                          b"authorization: Bearer sk-acct-watched\r\n" + injected + b"\r\n\r\n"))  # fmt: skip
    headers = json.loads(got.split(b"\r\n\r\n", 1)[1])["headers"]
    assert ["x-account-id", "acct-watched"] in headers, "the server is told the verified account"
    assert sum(name == "x-account-id" for name, _ in headers) == 1
    assert all(name != "x-iolaus-watermark" for name, _ in headers)
    for bad in (b"x-account-id: a\r\n b\r\n", b"x\x00y: 1\r\n", b"x-account-id: acct\x00\r\n"):
        got = asyncio.run(raw(b"POST /size HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + bad + b"\r\n"))
        assert got.startswith(b"HTTP/1.1 "), got
        assert b"set-cookie" not in got.lower()


def test_forged_account_ids_and_forwarded_addresses_change_nothing(url):
    for forged in (
        {"x-account-id": "acct-blocked"},
        {"x-account-id": "acct-slow", "x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-for": "10.0.0.1, 10.0.0.2", "forwarded": "for=10.0.0.1", "x-real-ip": "127.0.0.1"},
    ):
        answer = post(url, path="/size", headers=forged)
        assert answer.status_code == 200
        told = [value for name, value in answer.json()["headers"] if name == "x-account-id"]
        assert told == ["acct-ordinary"]
        assert post(url, "acct-blocked", headers=forged).status_code == 403


def test_an_upstream_that_hangs_holds_up_nobody_else(url):
    """Fifty requests hang for as long as the test lasts; it ends when the others have been answered."""
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps(ask("HANG")).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    hanging = [socket.create_connection((host, int(port))) for _ in range(50)]
    for connection in hanging:
        connection.sendall(head + body)
    time.sleep(0.3)
    assert [post(url).status_code for _ in range(10)] == [200] * 10
    assert post(url, "acct-blocked").status_code == 403
    for connection in hanging:
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        connection.close()


def test_a_thousand_connections_at_once_are_all_answered(url):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2_500:
        if hard < 2_500:
            pytest.skip(f"this machine allows only {hard} open files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (2_500, hard))
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps(ask()).encode()

    async def one(number, gate):
        account = ("acct-ordinary", "acct-blocked")[number % 2]
        reader, writer = await asyncio.open_connection(host, int(port))
        await gate.wait()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                     b"authorization: Bearer sk-" + account.encode() + b"\r\ncontent-length: "
                     + str(len(body)).encode() + b"\r\n\r\n" + body)  # fmt: skip
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1])

    async def all_at_once():
        gate = asyncio.Event()
        calls = [asyncio.create_task(one(n, gate)) for n in range(1_000)]
        await asyncio.sleep(0.5)
        gate.set()
        return await asyncio.wait_for(asyncio.gather(*calls), 60)

    codes = asyncio.run(all_at_once())
    assert codes == [200, 403] * 500


@pytest.mark.parametrize("fault", ["half", "missing", "corrupt", "newer", "in place"])
def test_traffic_and_decisions_go_on_when_the_snapshot_breaks(url, place, fault):
    path = place / "snapshot"
    whole = path.read_bytes()
    assert until(lambda: post(url, "acct-blocked").status_code == 403)
    if fault == "missing":
        path.unlink()
    elif fault == "in place":
        os.truncate(path, 100)
    else:
        broken = {
            "half": whole[: len(whole) // 2],
            "corrupt": whole[:-4] + b"zzzz",
            "newer": whole[:8] + b"\x07" + whole[9:],
        }
        (place / "beside").write_bytes(broken[fault])
        (place / "beside").replace(path)
    time.sleep(0.3)
    assert post(url).status_code == 200 and post(url, "acct-blocked").status_code == 403
    publish(path, {"acct-ordinary": TREATMENTS["acct-blocked"]}, name="s2")
    assert until(lambda: post(url).status_code == 403), "a good snapshot is taken up again"
    assert post(url, "acct-blocked").status_code == 200


def test_a_gateway_killed_at_any_moment_comes_back_with_the_same_decisions(place):
    """Its state is the snapshot alone: nothing to recover, nothing to lose."""
    publish(place / "snapshot")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {"IOLAUS_GATEWAY": str(place / "gateway.yaml")}
    for _ in range(2):
        with running(python(GUARDED, port), address, environment=environment) as process:
            assert (post(address).status_code, post(address, "acct-blocked").status_code) == (200, 403)
            process.send_signal(signal.SIGKILL)
            process.wait()
