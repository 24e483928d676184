"""Real programs on loopback: an OpenAI-compatible upstream, whatever stands before it, and ways to call them."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import httpx

from iolaus.enforce import Row, Treatment, write_snapshot

ROOT = Path(__file__).parents[2]
TOKEN = "a token for tests, long enough"
FOREVER = 2**40

# Accounts of the tests and how they are treated.
TREATMENTS = {
    "acct-blocked": Treatment("block"),
    "acct-payer": Treatment("challenge", status=402, url="https://example.com/pay"),
    "acct-slow": Treatment("throttle", 6.0, 2),
    "acct-watched": Treatment("observe"),
    "acct-marked": Treatment("watermark"),
    # An account that is known by nothing but its key.
    sha256(b"sk-anon-blocked").hexdigest(): Treatment("block"),
}

UPSTREAM = """
import asyncio, json, sys, uvicorn

async def answer(send, status, document):
    body = json.dumps(document).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

def completion(text, calls=None):
    message = {"role": "assistant", "content": text, "tool_calls": calls}
    choice = {"index": 0, "finish_reason": "tool_calls" if calls else "stop", "message": message}
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "fake", "choices": [choice],
            "usage": usage}

async def stream(send, text):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for place, word in enumerate(text.split()):
        delta = {"role": "assistant", "content": word + " "}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "fake",
                 "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        line = f"data: {json.dumps(chunk)}\\n\\n".encode()
        await send({"type": "http.response.body", "body": line, "more_body": True})
        await asyncio.sleep(0.02)
    last = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "fake",
            "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    await send({"type": "http.response.body", "body": f"data: {json.dumps(last)}\\n\\ndata: [DONE]\\n\\n".encode()})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    size, body = 0, b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        if size < 1 << 20:
            body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if scope["path"] == "/size":
        return await answer(send, 200, {"size": size, "headers": [[n.decode("latin-1"), v.decode("latin-1")]
                                                                  for n, v in scope["headers"]]})
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return await answer(send, 400, {"error": {"message": "upstream could not read this", "code": "bad_json"}})
    text = str(asked.get("messages", [{}])[-1].get("content") if asked.get("messages") else asked.get("input"))
    if "MARK" in text:
        text += " " + dict(scope["headers"]).get(b"x-iolaus-watermark", b"none").decode()
    if "HANG" in text:
        await asyncio.sleep(60)
    if "FAIL" in text:
        return await answer(send, 500, {"error": {"message": "upstream failed"}})
    if scope["path"].endswith("/responses"):
        part = {"type": "output_text", "text": "Echo: " + text, "annotations": []}
        out = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
        usage = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8,
                 "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        return await answer(send, 200, {"id": "resp_1", "object": "response", "created_at": 1, "model": "fake",
                                        "status": "completed", "output": [out], "usage": usage, "tools": [],
                                        "tool_choice": "auto", "parallel_tool_calls": True, "error": None,
                                        "incomplete_details": None, "instructions": None, "metadata": {},
                                        "temperature": 1.0, "top_p": 1.0})
    if asked.get("stream"):
        return await stream(send, "Echo: " + text)
    calls = None
    if asked.get("tools"):
        name = asked["tools"][0]["function"]["name"]
        calls = [{"id": "t1", "type": "function", "function": {"name": name, "arguments": "{}"}}]
    await answer(send, 200, completion("Echo: " + text, calls))
"""
PLAIN = UPSTREAM + '\nuvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")\n'
GUARDED = (
    UPSTREAM
    + """
from pathlib import Path
from iolaus.enforce.settings import ConfiguredGateway
uvicorn.run(ConfiguredGateway(app), host="127.0.0.1", port=int(sys.argv[1]), log_level="error", proxy_headers=False,
            backlog=4096)
"""
)


# Making a client costs more than a request: it reads the certificates that nothing here uses.
CLIENT = httpx.Client(timeout=30, trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0))


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def publish(path, treatments=TREATMENTS, name="s1"):
    rows = [Row(account, f"{i + 1:016x}", 0, FOREVER, t) for i, (account, t) in enumerate(treatments.items())]
    write_snapshot(path, rows, {"snapshot_id": name})


def wait_for(url, process, seconds=30.0):
    """Wait until something answers there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        try:
            CLIENT.get(url, timeout=2)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing answered at {url} within {seconds} s")


@contextmanager
def running(command, url, *, environment=None, log=None, seconds=30.0):
    """A program, from when it answers until the block ends."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")} | (environment or {})
    out = open(log, "ab") if log else subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for(url, process, seconds)
        yield process
    finally:
        process.kill()
        process.wait()
        if log:
            out.close()


def python(program, *words):
    return [sys.executable, "-c", program, *map(str, words)]


def ask(text="hello", **more):
    return {"model": "fake", "messages": [{"role": "user", "content": text}]} | more


def read_rows(folder):
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
