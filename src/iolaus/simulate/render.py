"""From planned rows to the contract's columns: texts, digests, tokens and metadata, one chunk at a time."""

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iolaus.schema import EXCHANGES
from iolaus.simulate.corpus import Corpus
from iolaus.simulate.grammars import DOMAINS
from iolaus.simulate.people import Account
from iolaus.simulate.responses import answer
from iolaus.simulate.rhythm import HOUR
from iolaus.simulate.templates import Wrappings
from iolaus.simulate.world import MODELS, World

__all__ = ["Columns", "Renderer"]

Columns = dict[str, NDArray[Any]]

# Logarithm of an answer's usual length in characters, by domain.
_LENGTH: Final = {"code": 5.7, "math": 5.6, "logic": 5.6, "ask": 5.2, "greet": 3.8}
_USUAL: Final = 5.4
_METADATA: Final = (
    "account_id", "api_key_id", "channel", "temperature", "max_tokens", "stream",
    "ip", "country", "user_agent", "ja4", "asn",
)  # fmt: skip
_WRITTEN_FROM: Final = (
    "account", "domain", "code", "wrap", "wording", "thread", "turn", "status", "salt", "system", "passages",
    "saves", "resumes",
)  # fmt: skip
# An odd factor scatters conversation numbers over 64 bits, one to one.
_ODD: Final = 0x9E3779B97F4A7C15


@dataclass(slots=True)
class _History:
    """What a conversation holds so far: digest of its messages, and their tokens."""

    digest: str
    tokens: int

    @classmethod
    def after(cls, history: "_History | None", prompt: str, reply: str) -> "_History":
        """Chain the digest, so that the same messages always give the same one."""
        digest, tokens = (history.digest, history.tokens) if history else ("", 0)
        text = f"{digest}\x1e{prompt}\x1f{reply}".encode("utf-8", "replace")
        digest = hashlib.blake2b(text, digest_size=16).hexdigest()
        return cls(digest, tokens + _tokens(prompt) + _tokens(reply))


@dataclass(slots=True)
class _Texts:
    """The written columns of a chunk."""

    prompt: list[str] = field(default_factory=list)
    response: list[str | None] = field(default_factory=list)
    history_digest: list[str | None] = field(default_factory=list)
    input_tokens: list[int] = field(default_factory=list)
    output_tokens: list[int | None] = field(default_factory=list)


@dataclass
class Renderer:
    """Turns planned rows into tables.

    Attributes:
        world: networks, clients and names.
        corpus: writes items and answers.
        wrappings: puts items into their wording.
        accounts: by the plan's account number.
        systems: system instructions by number.
        start: the log's first instant, µs since 1970.
        rng: source of chance for lengths.
    """

    world: World
    corpus: Corpus
    wrappings: Wrappings
    accounts: list[Account]
    systems: list[str]
    start: int
    rng: np.random.Generator

    def __post_init__(self) -> None:
        """Name the keys; open no conversation yet."""
        self._keys = [[self.world.token("key") for _ in range(a.habits.keys)] for a in self.accounts]
        self._histories: dict[int, _History] = {}

    def table(self, part: Columns, names: list[str], last: NDArray[np.bool_]) -> pa.Table:
        """Write one chunk.

        Args:
            part: the plan's columns, shape (n,) each, in time order; chunks must come in time order too.
            names: exchange ids.
            last: whether a row is the last of its conversation.
        """
        texts = self._write(part, last)
        conversations = part["conversation"].tolist()
        cells: dict[str, Any] = {
            "exchange_id": names,
            "prompt": texts.prompt,
            "response": texts.response,
            "history_digest": texts.history_digest,
            "input_tokens": texts.input_tokens,
            "output_tokens": texts.output_tokens,
            "conversation_id": [f"conv_{c * _ODD % 2**64:016x}" if c >= 0 else None for c in conversations],
            "turn": part["turn"],
            "request_model": [MODELS[m] for m in part["model"].tolist()],
            "system": [self.systems[s] if s >= 0 else None for s in part["system"].tolist()],
            "tool_count": part["tools"],
            "choice_count": part["choices"],
            "status_code": part["status"],
        } | self._metadata(part)
        instants = pa.array(part["instant"] + self.start, pa.int64())
        arrays = [
            instants.cast(f.type) if f.name == "timestamp" else pa.array(cells[f.name], f.type) for f in EXCHANGES
        ]
        return pa.Table.from_arrays(arrays, schema=EXCHANGES)

    def _metadata(self, part: Columns) -> dict[str, list[Any]]:
        """Who sent each request, from where, with which client and settings."""
        rows = []
        for a, salt, instant in zip(*(part[c].tolist() for c in ("account", "salt", "instant")), strict=True):
            who = self.accounts[a]
            habits = who.habits
            # Addresses and clients stay for some hours, except where the account rotates them.
            stay = salt if habits.rotates else (instant // (7 * HOUR) * 2654435761 + a * 40503) >> 7
            ip, asn, country = self.world.ips[who.ips[stay % len(who.ips)]]
            agent, ja4 = self.world.agents[who.agents[(stay >> 5) % len(who.agents)]]
            keys = self._keys[a]
            key = keys[(salt >> 3) % len(keys)] if who.channel != "app" else None
            heat = habits.temperature
            if heat is not None and habits.spread:
                heat = round(min(max(heat + habits.spread * ((salt >> 9) % 201 - 100) / 100, 0.0), 2.0), 2)
            settings = (heat, habits.max_tokens, habits.stream)
            rows.append((who.account_id, key, who.channel, *settings, ip, country, agent, ja4, asn))
        columns = (list(column) for column in zip(*rows, strict=True))
        return dict(zip(_METADATA, columns, strict=True))

    def _write(self, part: Columns, last: NDArray[np.bool_]) -> _Texts:
        out = _Texts()
        spread = np.exp(self.rng.normal(0, 0.65, len(last))).tolist()
        rows = zip(*(part[c].tolist() for c in _WRITTEN_FROM), last.tolist(), spread, strict=True)
        for (
            a,
            d,
            code,
            wrap,
            wording,
            thread,
            turn,
            status,
            salt,
            system,
            passages,
            saves,
            resumes,
            ends,
            factor,
        ) in rows:
            habits, domain = self.accounts[a].habits, DOMAINS[d]
            prompt = self.corpus.item(domain, code)
            if passages:
                prompt += _passages(domain, abs(passages), code if passages < 0 else salt)
            if wrap:
                prompt = self.wrappings.wrap(wrap, wording, prompt)
            reply = None
            if status == 200:
                size = factor * habits.verbosity * math.exp(_LENGTH.get(domain, _USUAL) + (0.25 if wrap else 0.0))
                # At temperature 0 the same question has the same answer.
                seed = code if habits.temperature == 0.0 else salt
                reply = self.corpus.response(domain, code, seed, max(int(size), 2))
            history = self._histories.get(resumes if resumes >= 0 else thread) if turn > 1 else None
            before = (history.tokens if history else 0) + (_tokens(self.systems[system]) if system >= 0 else 0)
            out.prompt.append(prompt)
            out.response.append(reply)
            out.history_digest.append(history.digest if history else None)
            out.input_tokens.append(_tokens(prompt) + before + 7)
            out.output_tokens.append(None if reply is None else _tokens(reply))
            if thread >= 0 and reply is not None:
                if ends:
                    # A conversation is dropped after its last request, which keeps memory bounded.
                    self._histories.pop(thread, None)
                for name in (saves, -1 if ends else thread):
                    if name >= 0:
                        self._histories[name] = _History.after(history, prompt, reply)
        return out


def _passages(domain: str, count: int, seed: int) -> str:
    """Text pasted below a request: prose in the language of the domain."""
    manner = "zh_chat" if domain.startswith("zh") else "write"
    return "\n\n" + "\n".join(answer(manner, seed + i, 90 + (seed >> 7) % 160) for i in range(count))


def _tokens(text: str) -> int:
    """About how many tokens a text has: four Latin letters or one and a half Chinese ones each."""
    size = len(text)
    wide = 0 if text.isascii() else (len(text.encode("utf-8", "replace")) - size) // 2
    return 1 + (size - wide) // 4 + wide * 2 // 3
