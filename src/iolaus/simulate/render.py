"""From planned rows to the contract's columns: texts, digests, tokens and metadata, one chunk at a time."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iolaus.schema import EXCHANGES
from iolaus.simulate.corpus import Corpus
from iolaus.simulate.directory import Directory
from iolaus.simulate.grammar import Ints
from iolaus.simulate.grammars import DOMAINS
from iolaus.simulate.passages import Passages
from iolaus.simulate.templates import Wrappings
from iolaus.simulate.world import MODELS

__all__ = ["Columns", "Renderer"]

Columns = dict[str, NDArray[Any]]

# Logarithm of an answer's usual length in characters, by domain.
_LENGTH: Final = {"code": 5.7, "math": 5.6, "logic": 5.6, "ask": 5.2, "greet": 3.8}
_USUAL: Final = 5.4
_USUAL_LENGTH: Final = np.array([_LENGTH.get(name, _USUAL) for name in DOMAINS])
_WRITTEN_FROM: Final = (
    "domain", "code", "wrap", "wording", "thread", "turn", "status", "system", "passages", "saves", "resumes", "shelf",
)  # fmt: skip
# An odd factor scatters conversation numbers over 64 bits, one to one.
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_DIGITS: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


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
    """Turns planned rows into batches.

    Attributes:
        directory: the accounts.
        corpus: writes items and answers.
        wrappings: puts items into their wording.
        passages: what prompts paste.
        systems: system instructions by number.
        start: the log's first instant, µs since 1970.
        seed: of lengths and ids.
    """

    directory: Directory
    corpus: Corpus
    wrappings: Wrappings
    passages: Passages
    systems: list[str]
    start: int
    seed: int

    def __post_init__(self) -> None:
        """Open no conversation yet."""
        self._histories: dict[int, _History] = {}
        self._system_texts = pa.array(self.systems, pa.string())
        self._system_tokens = [_tokens(text) for text in self.systems]

    def batch(self, part: Columns, chunk: int, mine: NDArray[np.bool_]) -> pa.RecordBatch:
        """Write some rows of one chunk.

        Args:
            part: the chunk's columns, shape (n,) each, in time order, with ``ends`` (whether a row is the last of its
                conversation); chunks must come in time order too.
            chunk: its number, which chance hangs on.
            mine: which of its rows to write, shape (n,); all rows of a conversation must be written by one renderer.
        """
        # Drawn for all rows of the chunk, so that it makes no difference who writes them.
        rng = np.random.default_rng([self.seed, 4, chunk])
        spread = np.exp(rng.normal(0, 0.65, len(mine)))[mine]
        raw = np.frombuffer(rng.bytes(10 * len(mine)), dtype=np.uint8).reshape(-1, 10)[mine]
        part = {name: values[mine] for name, values in part.items()}
        account = part["account"].astype(np.int64)
        texts = self._write(part, account, spread)
        conversation = part["conversation"].astype(np.uint64) * _ODD
        known = pa.array(part["conversation"] >= 0)
        ids = _named("conv_", conversation.astype(">u8").view(np.uint8).reshape(-1, 8))
        instants = pa.array(part["instant"] + self.start, pa.int64())
        cells: dict[str, Any] = {
            "exchange_id": _named("ex_", raw),
            "timestamp": instants.cast(EXCHANGES.field("timestamp").type),
            "prompt": texts.prompt,
            "response": texts.response,
            "history_digest": texts.history_digest,
            "input_tokens": texts.input_tokens,
            "output_tokens": texts.output_tokens,
            "conversation_id": pc.if_else(known, ids, pa.scalar(None, pa.string())),
            "turn": part["turn"],
            "request_model": pa.array(MODELS).take(pa.array(part["model"])),
            "system": self._system_texts.take(pa.array(part["system"], mask=part["system"] < 0)),
            "tool_count": part["tools"],
            "choice_count": part["choices"],
            "status_code": part["status"],
        } | self.directory.columns(account, part["salt"], part["instant"])
        return pa.RecordBatch.from_arrays([_array(cells[f.name], f.type) for f in EXCHANGES], schema=EXCHANGES)

    def _write(self, part: Columns, account: Ints, spread: NDArray[np.float64]) -> _Texts:
        out = _Texts()
        usual = np.exp(_USUAL_LENGTH[part["domain"]] + np.where(part["wrap"] > 0, 0.25, 0.0))
        sizes = np.maximum((spread * self.directory.verbosity[account] * usual).astype(np.int64), 2)
        # At temperature 0 the same question has the same answer.
        salts = np.where(self.directory.cold[account], part["code"], part["salt"])
        # A passage that is part of its item is the same whoever sends it.
        own = part["passages"] >= 0
        owners, seeds = np.where(own, account, part["code"]), np.where(own, part["salt"], part["code"])
        columns = (*(part[c] for c in _WRITTEN_FROM), part["ends"], sizes, salts, owners, seeds)
        for (
            d, code, wrap, wording, thread, turn, status, system, passages, saves, resumes, shelf,
            ends, size, salt, owner, seed,
        ) in zip(*(values.tolist() for values in columns), strict=True):  # fmt: skip
            domain = DOMAINS[d]
            prompt = self.corpus.item(domain, code)
            if passages:
                prompt += self.passages.text(domain, abs(passages), shelf, owner, seed)
            if wrap:
                prompt = self.wrappings.wrap(wrap, wording, prompt)
            reply = self.corpus.response(domain, code, salt, size) if status == 200 else None
            history = self._histories.get(resumes if resumes >= 0 else thread) if turn > 1 else None
            before = (history.tokens if history else 0) + (self._system_tokens[system] if system >= 0 else 0)
            out.prompt.append(prompt)
            out.response.append(reply)
            out.history_digest.append(history.digest if history else None)
            out.input_tokens.append(_tokens(prompt) + before + 7)
            out.output_tokens.append(None if reply is None else _tokens(reply))
            if ends:
                # A conversation is dropped after its last request, which keeps memory bounded.
                self._histories.pop(thread, None)
            if thread >= 0 and reply is not None and (saves >= 0 or not ends):
                after = _History.after(history, prompt, reply)
                for name in (saves, -1 if ends else thread):
                    if name >= 0:
                        self._histories[name] = after
        return out


def _array(cells: Any, kind: pa.DataType) -> pa.Array:  # noqa: ANN401 (an Arrow array, a numpy one or a list)
    return cells.cast(kind) if isinstance(cells, pa.Array) else pa.array(cells, kind)


def _named(prefix: str, raw: NDArray[np.uint8]) -> pa.Array:
    """Identifiers of a prefix and hexadecimal digits; raw bytes have shape (n, bytes)."""
    n, size = len(raw), len(prefix) + 2 * raw.shape[1]
    text = np.empty((n, size), dtype=np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    text[:, len(prefix) :: 2] = _DIGITS[raw >> 4]
    text[:, len(prefix) + 1 :: 2] = _DIGITS[raw & 15]
    offsets = np.arange(n + 1, dtype=np.int32) * size
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets.tobytes()), pa.py_buffer(text.tobytes()))


def _tokens(text: str) -> int:
    """About how many tokens a text has: four Latin letters or one and a half Chinese ones each."""
    size = len(text)
    wide = 0 if text.isascii() else (len(text.encode("utf-8", "replace")) - size) // 2
    return 1 + (size - wide) // 4 + wide * 2 // 3
