"""What the middleware costs: time a decision, and throughput of a server with it and without it, paired in one run.

``python -m benchmarks.enforce.overhead`` writes ``benchmarks/enforce/results/overhead.json``.

The decision is timed in process, the whole call of the middleware around an application that does nothing, over a
snapshot of 250,000 accounts: half of the requests come from accounts in it, half do not. For throughput two real
servers run side by side, the same OpenAI-compatible application, one of them behind the middleware. It parses the
request and answers whole, or as a stream of 64 pieces, and does nothing else, which no real server does: its cost is a
lower bound, and so is the ratio. A client loads one after the other in short turns, so that whatever else the machine
does meets both. Beside the rate, the processor time that each server takes a request is read from the kernel.
"""

import asyncio
import json
import os
import random
import statistics
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
TURNS = 16
TURN_S = 1.0
PIECES = 64
CONNECTIONS = 16
FOREVER = 2**40
SEED = 20_261_107

SERVER = """
import json, sys, uvicorn
from pathlib import Path
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

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
    if asked.get("stream"):
        return StreamingResponse(pieces(asked["max_tokens"]), media_type="text/event-stream")
    text = "An answer of some length. " * 40 + asked["messages"][-1]["content"][:20]
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return JSONResponse({"id": "c", "object": "chat.completion", "created": 1, "model": asked["model"],
                         "choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 9}})

app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
if sys.argv[2] == "with":
    from iolaus.enforce.settings import ConfiguredGateway
    app = ConfiguredGateway(app)
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


def scope(number: int) -> dict[str, Any]:
    """A request as a server hands it to the middleware, with the headers that OpenAI's client sends."""
    headers = {
        "host": "127.0.0.1", "accept-encoding": "gzip, deflate", "connection": "keep-alive", "accept": "*/*",
        "content-type": "application/json", "user-agent": "OpenAI/Python 2.0.0", "x-stainless-lang": "python",
        "x-stainless-os": "Linux", "x-stainless-arch": "x64", "x-stainless-runtime": "CPython",
        "authorization": f"Bearer sk-{account(number)}", "x-stainless-async": "false", "content-length": "1000",
    }  # fmt: skip
    packed = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": "/v1/chat/completions", "client": ("127.0.0.1", 9), "headers": packed}


async def nothing(scope: object, receive: object, send: object) -> None:
    """An application that does nothing."""


def time_decisions(snapshot: Path, keys: dict[str, str]) -> dict[str, float]:
    """Microseconds a call of the middleware takes."""
    gateway = Gateway(nothing, Guard(snapshot), by_key(lambda: keys))
    draw = random.Random(SEED)
    scopes = [scope(draw.randrange(2 * ACCOUNTS)) for _ in range(CALLS)]

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


async def load(port: int, seconds: float, stream: bool) -> int:
    """Requests answered within a time, over connections that stay open."""
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "A question. " * 80}]}
    body = json.dumps(asked | ({"stream": True, "max_tokens": PIECES} if stream else {})).encode()
    over = time.monotonic() + seconds
    draw = random.Random(SEED)

    async def connection() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answered = 0
        while time.monotonic() < over:
            # A few accounts send most of the requests, as everywhere.
            name = account(int((2 * ACCOUNTS) ** draw.random()))
            writer.write(
                f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
                f"authorization: Bearer sk-{name}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(head.decode())
            if stream:
                await reader.readuntil(b"\r\n0\r\n\r\n")
            else:
                size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(size)
            answered += 1
        writer.close()
        return answered

    return sum(await asyncio.gather(*(connection() for _ in range(CONNECTIONS))))


def processor_s(pid: int) -> float:
    """Seconds that a process's threads have run, to the nanosecond; the usual counters tick in hundredths."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def pair(folder: Path, stream: bool) -> dict[str, Any]:
    """Both servers, loaded in turns: without, with, with, without, and so on."""
    environment = os.environ | {"IOLAUS_GATEWAY": str(folder / "gateway.yaml")}
    ports = {"without": 18_461, "with": 18_462}
    servers = {
        name: subprocess.Popen([sys.executable, "-c", SERVER, str(port), name], env=environment)
        for name, port in ports.items()
    }
    try:
        for port in ports.values():
            _wait(port)
        rates: dict[str, list[float]] = {"without": [], "with": []}
        costs: dict[str, list[float]] = {"without": [], "with": []}
        for turn in range(TURNS):
            for name in ("without", "with") if turn % 2 == 0 else ("with", "without"):
                before = processor_s(servers[name].pid)
                answered = asyncio.run(load(ports[name], TURN_S, stream))
                used = processor_s(servers[name].pid) - before
                rates[name].append(answered / TURN_S)
                costs[name].append(1e6 * used / answered)
    finally:
        for server in servers.values():
            server.kill()
            server.wait()
    ratios = [a / b for a, b in zip(rates["with"], rates["without"], strict=True)]
    cheaper = [b / a for a, b in zip(costs["with"], costs["without"], strict=True)]
    return {
        "turns": TURNS,
        "seconds_a_turn": TURN_S,
        "requests_per_s": {name: round(statistics.median(values), 1) for name, values in rates.items()},
        "throughput_ratio_median": round(statistics.median(ratios), 4),
        "throughput_ratio_quartiles": [round(q, 4) for q in statistics.quantiles(ratios, n=4)],
        "processor_us_a_request": {name: round(statistics.median(values), 1) for name, values in costs.items()},
        "processor_ratio_median": round(statistics.median(cheaper), 4),
    }


def _wait(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            asyncio.run(load(port, 0.3, stream=False))
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"no server at port {port}")


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
            "throughput": {"whole answers": pair(folder, False), f"streams of {PIECES} pieces": pair(folder, True)},
            "load_average": os.getloadavg(),
        }
    out = Path(__file__).parent / "results" / "overhead.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"machine": machine()} | result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
