"""What the middleware costs: time a decision, and throughput of a server with it and without it, paired in one run.

``python -m benchmarks.enforce.overhead`` writes ``benchmarks/enforce/results/overhead.json``.

*Decision.* Timed in process, the whole call of the middleware around an application that does nothing, over a snapshot
of 250,000 accounts: half of the requests come from accounts in it, half do not, each account as often as any other.

*Throughput.* One real server (uvicorn) holds an OpenAI-compatible application twice, behind the middleware and bare.
Requests go to the one and the other in turn over one connection, so that whatever else the machine does meets both
alike. The server notes the processor time from when it hands a request to either until the answer is written, and the
kernel tells the processor time of the whole process; what the middleware adds to a request is the difference of the
first, and the throughput that one core keeps is the second without that difference over the second with it. The
application parses the request and answers whole or as a stream, and does nothing else, which no real server does: its
cost is a lower bound, and so is the ratio. A tenth of the requests come from accounts in the snapshot.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.record import machine
from iolaus.enforce import Gateway, Guard, Row, Treatment, by_key, key_digest, write_snapshot

ACCOUNTS = 250_000
CALLS = 200_000
IN_SNAPSHOT = 0.1
# Answers: their name, requests to each side, pieces of a stream (0 for a whole answer).
ANSWERS = (("whole answers", 12_000, 0), ("streams of 64 pieces", 3_000, 64), ("streams of 256 pieces", 1_000, 256))
# The slowest requests of both sides are left out: in them the machine did something else.
KEPT = 0.95
FOREVER = 2**40
SEED = 20_261_107
PORT = 18_461

SERVER = """
import json, sys, time, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from iolaus.enforce.settings import ConfiguredGateway

def piece(text):
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
             "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    return f"data: {json.dumps(chunk)}\\n\\n"

async def pieces(count):
    for number in range(count):
        yield piece(f"word {number} ")
    yield "data: [DONE]\\n\\n"

async def complete(request):
    asked = await request.json()
    if asked["pieces"]:
        return StreamingResponse(pieces(asked["pieces"]), media_type="text/event-stream")
    text = "An answer of some length. " * 40 + asked["messages"][-1]["content"][:20]
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return JSONResponse({"id": "c", "object": "chat.completion", "created": 1, "model": asked["model"],
                         "choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 9}})

bare = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
guarded = ConfiguredGateway(bare)
spent = {b"with": [], b"without": []}

async def app(scope, receive, send):
    if scope["type"] != "http":
        return await bare(scope, receive, send)
    if scope["path"] == "/spent":
        told = JSONResponse({side.decode(): times for side, times in spent.items()})
        for times in spent.values():
            times.clear()
        return await told(scope, receive, send)
    side = scope["query_string"]
    target = guarded if side == b"with" else bare
    start = time.thread_time_ns()
    await target(scope, receive, send)
    spent[side].append(time.thread_time_ns() - start)

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
"""


def account(number: int) -> str:
    """An id of the usual kind."""
    return f"acct_{number:016x}"


def publish(path: Path) -> dict[str, str]:
    """A snapshot of all accounts with an even number, in equal parts observed and throttled; returns the keys."""
    treatments = (Treatment("observe"), Treatment("throttle", 60_000.0, 10_000))
    rows = [Row(account(2 * n), f"{n:016x}", 0, FOREVER, treatments[n % 2]) for n in range(ACCOUNTS)]
    write_snapshot(path, rows, {"snapshot_id": "benchmark"})
    return {key_digest(f"sk-{account(n)}"): account(n) for n in range(2 * ACCOUNTS)}


def headers_of(number: int) -> dict[str, str]:
    """What OpenAI's client sends."""
    return {
        "host": "127.0.0.1", "accept-encoding": "gzip, deflate", "connection": "keep-alive", "accept": "*/*",
        "content-type": "application/json", "user-agent": "OpenAI/Python 2.0.0", "x-stainless-lang": "python",
        "x-stainless-os": "Linux", "x-stainless-arch": "x64", "x-stainless-runtime": "CPython",
        "authorization": f"Bearer sk-{account(number)}", "x-stainless-async": "false",
    }  # fmt: skip


async def nothing(scope: object, receive: object, send: object) -> None:
    """An application that does nothing."""


def time_decisions(snapshot: Path, keys: dict[str, str]) -> dict[str, float]:
    """Microseconds a call of the middleware takes."""
    gateway = Gateway(nothing, Guard(snapshot), by_key(lambda: keys))
    draw = random.Random(SEED)
    scopes = []
    for _ in range(CALLS):
        packed = [(n.encode(), v.encode()) for n, v in headers_of(draw.randrange(2 * ACCOUNTS)).items()]
        scopes.append({"type": "http", "path": "/v1/chat/completions", "client": ("127.0.0.1", 9), "headers": packed})

    async def run() -> list[int]:
        taken = []
        for each in scopes:
            start = time.perf_counter_ns()
            await gateway(each, None, None)
            taken.append(time.perf_counter_ns() - start)
        return taken

    asyncio.run(run())
    taken = sorted(asyncio.run(run()))
    places = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
    return {f"{name}_us": round(taken[int(place * CALLS)] / 1000, 2) for name, place in places.items()}


async def load(requests: int, pieces: int) -> dict[str, list[int]]:
    """Send so many requests to each side in turn; returns the nanoseconds that the server noted, by side."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    asked = {"model": "m", "pieces": pieces, "messages": [{"role": "user", "content": "A question. " * 80}]}
    body = json.dumps(asked).encode()
    draw = random.Random(SEED)

    async def call(method: str, path: str, more: str, content: bytes) -> bytes:
        writer.write(f"{method} {path} HTTP/1.1\r\n{more}content-length: {len(content)}\r\n\r\n".encode() + content)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise SystemExit(head.decode())
        if b"content-length: " not in head:
            return await reader.readuntil(b"\r\n0\r\n\r\n")
        return await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))

    for number in range(requests):
        # A few accounts send most of the requests, as everywhere; even numbers are in the snapshot.
        name = 2 * int(ACCOUNTS ** draw.random()) - (draw.random() > IN_SNAPSHOT)
        more = "".join(f"{key}: {value}\r\n" for key, value in headers_of(name).items())
        for side in ("with", "without") if number % 2 else ("without", "with"):
            await call("POST", f"/v1/chat/completions?{side}", more, body)
    found: dict[str, list[int]] = json.loads(await call("GET", "/spent", "host: 127.0.0.1\r\n", b""))
    writer.close()
    return found


def processor_s(pid: int) -> float:
    """Seconds that a process's threads have run, to the nanosecond; the usual counters tick in hundredths."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def mean_us(times: list[int]) -> float:
    """Mean of the times without the slowest."""
    kept = sorted(times)[: int(KEPT * len(times))]
    return sum(kept) / len(kept) / 1000


def measure_server(folder: Path) -> dict[str, Any]:
    """All kinds of answers against one server."""
    environment = os.environ | {"IOLAUS_GATEWAY": str(folder / "gateway.yaml")}
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(PORT)], env=environment)
    try:
        _wait()
        found = {}
        for name, requests, pieces in ANSWERS:
            asyncio.run(load(requests // 10, pieces))
            before = processor_s(server.pid)
            spent = asyncio.run(load(requests, pieces))
            whole = 1e6 * (processor_s(server.pid) - before) / (2 * requests)
            added = mean_us(spent["with"]) - mean_us(spent["without"])
            bare = whole - added / 2
            found[name] = {
                "requests_a_side": requests,
                "server_us_a_request_without": round(bare, 1),
                "added_us_a_request": round(added, 1),
                "throughput_ratio": round(bare / (bare + added), 4),
            }
        return found
    finally:
        server.kill()
        server.wait()


def _wait() -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            asyncio.run(load(1, 0))
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the server did not start")


def main() -> None:
    """Measure and write down."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        keys = publish(folder / "snapshot")
        written = time.perf_counter() - start
        (folder / "keys.json").write_text(json.dumps(keys))
        (folder / "gateway.yaml").write_text("schema: iolaus.gateway/1\nsnapshot: snapshot\nkeys: keys.json\n")
        start = time.perf_counter()
        Guard(folder / "snapshot")
        loaded = time.perf_counter() - start
        result = {
            "accounts_in_snapshot": ACCOUNTS,
            "snapshot_mb": round((folder / "snapshot").stat().st_size / 1e6, 1),
            "publish_s": round(written, 2),
            "load_s": round(loaded, 3),
            "decision": time_decisions(folder / "snapshot", keys),
            "server": measure_server(folder),
            "load_average": os.getloadavg(),
        }
    out = Path(__file__).parent / "results" / "overhead.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"machine": machine()} | result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
