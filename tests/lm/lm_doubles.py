"""A small OpenAI-compatible server on loopback, and small models made on the spot."""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = re.compile(r"\s*\S+|\s+")
Reply = Callable[[dict[str, Any]], Response]


def cost(token: str) -> float:
    """The double's log-probability of a token."""
    return -0.5 * len(token)


class Server:
    """Answers like a model whose every answer is ``" yes it is"``; ``script`` holds replies to be given first."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.seen: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.answer = " yes it is"
        self.tail_needed = False
        self.url = ""

    async def completions(self, request: Request) -> Response:
        return await self._reply(request, self._complete)

    async def chat(self, request: Request) -> Response:
        return await self._reply(request, self._chat)

    async def _reply(self, request: Request, usual: Reply) -> Response:
        payload = await request.json()
        self.seen.append(payload)
        self.keys.append(request.headers.get("authorization"))
        reply = self.script.pop(0) if self.script else usual
        return await run_in_threadpool(reply, payload)

    def _complete(self, payload: dict[str, Any]) -> Response:
        if payload.get("echo"):
            if self.tail_needed and payload["max_tokens"] < 1:
                return JSONResponse({"error": "max_tokens must be at least 1"}, 400)
            tokens = WORDS.findall(payload["prompt"]) + ["!"] * payload["max_tokens"]
            return JSONResponse(completion(payload["prompt"], tokens, [None, *map(cost, tokens[1:])]))
        begun = max((n for n in range(len(self.answer)) if payload["prompt"].endswith(self.answer[:n])), default=0)
        tokens = WORDS.findall(self.answer[begun:])[: payload["max_tokens"]]
        body = completion("".join(tokens), tokens, [cost(token) for token in tokens])
        if "logprobs" not in payload:
            body["choices"][0]["logprobs"] = None
        return JSONResponse(body)

    def _chat(self, payload: dict[str, Any]) -> Response:
        begun = payload["messages"][-1]["content"] if payload["messages"][-1]["role"] == "assistant" else ""
        rest = self.answer.removeprefix(begun) if self.answer.startswith(begun) else " hm"
        tokens = WORDS.findall(rest)[: payload["max_tokens"]]
        steps = [
            {
                "token": token,
                "logprob": cost(token),
                "bytes": list(token.encode()),
                "top_logprobs": [
                    {"token": token, "logprob": cost(token), "bytes": list(token.encode())},
                    {"token": " other", "logprob": -6.0, "bytes": None},
                    {"token": " never", "logprob": -9999.0, "bytes": None},
                ],
            }
            for token in tokens
        ]
        choice: dict[str, Any] = {"message": {"role": "assistant", "content": "".join(tokens)}, "finish_reason": "stop"}
        if payload.get("logprobs"):
            choice["logprobs"] = {"content": steps}
        return JSONResponse({"choices": [choice]})


def completion(text: str, tokens: list[str], numbers: list[Any]) -> dict[str, Any]:
    """A body of /completions."""
    offsets = [sum(map(len, tokens[:i])) for i in range(len(tokens))]
    logprobs = {
        "tokens": tokens,
        "token_logprobs": numbers,
        "text_offset": offsets,
        "top_logprobs": [
            None if number is None else {token: number} for token, number in zip(tokens, numbers, strict=False)
        ],
    }
    return {"choices": [{"text": text, "finish_reason": "stop", "logprobs": logprobs}]}


def refuse(status: int, headers: dict[str, str] | None = None, text: str = "no") -> Reply:
    """A reply that is no answer."""
    return lambda _: Response(text, status, headers)


def slow(seconds: float) -> Reply:
    """A reply that comes too late."""

    def reply(_: dict[str, Any]) -> Response:
        time.sleep(seconds)
        return JSONResponse({})

    return reply


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server on a free port of loopback; gone when the block ends."""
    server = Server()
    routes = [
        Route("/v1/completions", server.completions, methods=["POST"]),
        Route("/v1/chat/completions", server.chat, methods=["POST"]),
    ]
    runner = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=routes), host="127.0.0.1", port=0, log_level="critical", lifespan="off", ws="none"
        )
    )
    thread = threading.Thread(target=runner.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not runner.started and time.monotonic() < until:
        time.sleep(0.01)
    assert runner.started, "the test server did not start within 20 s"
    port = runner.servers[0].sockets[0].getsockname()[1]
    server.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield server
    finally:
        runner.should_exit = True
        thread.join(10)


TEXT = ["the cat sat on the mat and the dog sat on the cat, hello world", "a dog ran over the hill and came home"] * 10


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE: every text has tokens."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(TEXT, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")


def piece_tokenizer() -> PreTrainedTokenizerFast:
    """Pieces with a space put before every text, as SentencePiece does, and an unknown token."""
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    trainer = trainers.BpeTrainer(vocab_size=200, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    made.train_from_iterator([*TEXT, "\n"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def tiny_network(rows: int = 400, window: int = 64, seed: int = 0) -> LlamaForCausalLM:
    """A Llama of some ten thousand parameters with random weights."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=rows,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=window,
        initializer_range=0.3,
    )
    return LlamaForCausalLM(config)
