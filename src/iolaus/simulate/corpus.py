"""Where prompts and answers come from: the project's grammars, or real text that the user brings.

An item is one integer: a sentence number of the domain's grammar, or -(row + 1) for a row of the user's own
text. Operators and synthetic-data customers take even rows, everyone else odd ones, so that a chance overlap
is not built in; benchmarks are public and take from both. Rows are drawn without replacement until they run
out; then the grammars go on.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.errors import InputError
from iolaus.simulate.grammar import Ints
from iolaus.simulate.grammars import DOMAINS, grammar
from iolaus.simulate.responses import answer

__all__ = ["Corpus", "read_table"]

# Which kinds of a real file stand in for which domain; "*" is any kind not named elsewhere.
_HARVEST: Final = {
    "math": ("reasoning", "short_answer"),
    "logic": ("instruction",),
    "instruct": ("instruction", "*"),
    "write": ("instruction",),
    "extract": ("instruction",),
    "code": ("code",),
    "grade": ("grading",),
    "roleplay": ("roleplay",),
    "zh_reason": ("instruction_zh",),
    "zh_instruct": ("instruction_zh",),
}
_ORGANIC: Final = {
    "chat": ("chat", "shared_prompt", "eval_question", "*"),
    "ask": ("search_question", "assistant_query"),
    "support": ("customer_support", "assistant_query"),
    "zh_chat": ("zh",),
    "product": ("prompt_template",),
}
# Real rows of these stand inside a template that their source put there, which an operator who rewords would
# not send.
_TEMPLATED: Final = ("grade",)
# Rows that are one questionnaire's wording over and over: nobody's work queue, and nobody's everyday
# question.
_LEFT_OUT: Final = ("templated_eval",)
# Answers of these are formulas over and over: nothing that anybody would paste.
_FORMULAIC: Final = (*_LEFT_OUT, "grading", "reasoning", "short_answer", "code")
# Characters of the shortest answer that is pasted.
_LEAST_PASTED: Final = {"en": 60, "zh": 20}
# A real row may come back this often before the grammars take over.
_CYCLES: Final = 2


@dataclass
class _Pool:
    rows: Ints
    cursor: int = 0

    def take(self, n: int, cycles: int) -> Ints:
        left = max(0, cycles * len(self.rows) - self.cursor)
        n = min(n, left)
        if n == 0:
            return np.empty(0, dtype=np.int64)
        index = (self.cursor + np.arange(n)) % len(self.rows)
        self.cursor += n
        return self.rows[index]


@dataclass
class _Rows:
    prompts: list[str] = field(default_factory=list)
    responses: list[str | None] = field(default_factory=list)
    follows: list[bool] = field(default_factory=list)
    pasted: list[bool] = field(default_factory=list)


def read_table(path: Path, needed: tuple[str, ...], wanted: tuple[str, ...]) -> dict[str, list[Any]]:
    """Read columns of a Parquet file; a wanted column that is absent comes back as nulls.

    Raises:
        InputError: where the file cannot be read, lacks a needed column, or holds no row.
    """
    try:
        names = pq.read_schema(path).names
        table: pa.Table = pq.read_table(path, columns=[c for c in (*needed, *wanted) if c in names])
    except FileNotFoundError as error:
        raise InputError(f"{path} cannot be read, because there is no such file") from error
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as Parquet") from error
    missing = [c for c in needed if c not in names]
    if missing:
        raise InputError(f"{path} lacks the column {missing[0]!r}")
    if table.num_rows == 0:
        raise InputError(f"{path} holds no row")
    columns: dict[str, list[Any]] = {c: table[c].to_pylist() for c in table.schema.names}
    return {c: columns.get(c, [None] * table.num_rows) for c in (*needed, *wanted)}


class Corpus:
    """Draws items and writes them.

    Args:
        rng: drives the order in which real rows are taken.
        text: Parquet of harvest items (columns prompt; response and kind where known).
        organic: Parquet of ordinary prompts (prompt; response, kind, language, conversation_id, turn where
            known).

    Raises:
        InputError: where a file cannot be used.
    """

    def __init__(self, rng: np.random.Generator, text: Path | None = None, organic: Path | None = None) -> None:
        """Read the files and deal their rows out to the domains."""
        self._real = _Rows()
        self._pools: dict[tuple[str, str], _Pool] = {}
        self._rng = rng
        if text is not None:
            self._add_text(text)
        if organic is not None:
            self._add_organic(organic)

    def draw(self, domain: str, n: int) -> Ints:
        """Items as independent people ask them, shape (n,); real rows may come back, as popular ones do."""
        pool = self._pools.get(("open", domain))
        real = pool.take(n, _CYCLES) if pool is not None else np.empty(0, dtype=np.int64)
        own = grammar(domain).draw(self._rng, n - len(real))
        return self._rng.permutation(np.concatenate([real, own])) if len(real) else own

    def draw_distinct(self, domain: str, n: int, *, public: bool = False, templated: bool = True) -> Ints:
        """Items of one work queue or one benchmark, none of them twice; shape (n,) or less.

        Args:
            domain: what they are about.
            n: how many.
            public: take from everyone's rows, as a published benchmark does.
            templated: whether real rows may be used whose text holds a fixed template of its own.
        """
        pool = self._pools.get(("queue", domain)) if templated or domain not in _TEMPLATED else None
        if public and pool is not None:
            other = self._pools[("open", domain)].rows
            real = self._rng.permutation(np.concatenate([pool.rows, other]))[:n]
        else:
            real = self._rng.permutation(pool.rows)[:n] if pool is not None else np.empty(0, dtype=np.int64)
        own = grammar(domain).draw_distinct(self._rng, n - len(real))
        return np.concatenate([real, own])

    def item(self, domain: str, code: int) -> str:
        """The text of an item."""
        return self._real.prompts[-code - 1] if code < 0 else grammar(domain).render(code)

    def next_turn(self, code: int) -> int | None:
        """The item that continues a real conversation, where the file holds one."""
        row = -code
        return -(row + 1) if code < 0 and row < len(self._real.follows) and self._real.follows[row] else None

    def response(self, domain: str, code: int, salt: int, length: int) -> str:
        """The real answer where the file holds one, else a written one of about ``length`` characters."""
        real = self._real.responses[-code - 1] if code < 0 else None
        return real if real else answer(domain, salt, length)

    def material(self, asked: Ints, rng: np.random.Generator) -> dict[str, list[str]]:
        """Real answers that may be pasted, each text once, by language (``en``, ``zh``), in random order.

        Those to items that nobody in the range asks for come first, then those that independent people ask for; what
        work queues hold is left out.

        Args:
            asked: items that somebody asks for.
            rng: source of the order.
        """
        fit = np.array(self._real.pasted, dtype=np.bool_)
        rank = np.zeros(len(fit), dtype=np.int64)
        rank[-asked[asked < 0] - 1] = 1
        for (side, _), pool in self._pools.items():
            if side == "queue":
                rank[-pool.rows - 1] *= 2
        rows = rng.permutation(np.flatnonzero(fit & (rank < 2)))
        rows = rows[np.argsort(rank[rows], kind="stable")]
        texts = dict.fromkeys(self._real.responses[i] or "" for i in rows.tolist())
        out: dict[str, list[str]] = {}
        for text in texts:
            language = "zh" if _is_chinese(text) else "en"
            if len(text) >= _LEAST_PASTED[language]:
                out.setdefault(language, []).append(text)
        return out

    def _add_text(self, path: Path) -> None:
        columns = read_table(path, ("prompt",), ("response", "kind"))
        columns["prompt"] = [_question(p) for p in columns["prompt"]]
        first = self._extend(columns)
        named = {k for ks in _HARVEST.values() for k in ks}
        kinds = ["" if k in _LEFT_OUT else k if k in named else "*" for k in columns["kind"]]
        rows = {k: self._rows_of(columns["prompt"], kinds, (k,), first) for k in sorted(set(kinds))}
        for domain, wanted in _HARVEST.items():
            # Domains that share a kind share out its rows, so that one queue never holds a row twice.
            parts = [_share(rows[k], k, domain) for k in wanted if k in rows]
            mine = np.concatenate([np.empty(0, dtype=np.int64), *parts])
            for side, part in (("queue", mine[mine % 2 == 0]), ("open", mine[mine % 2 == 1])):
                if len(part):
                    self._pools[side, domain] = _Pool(-(self._rng.permutation(part) + 1))

    def _add_organic(self, path: Path) -> None:
        columns = read_table(path, ("prompt",), ("response", "kind", "language", "conversation_id", "turn"))
        first = self._extend(columns)
        conversations = columns["conversation_id"]
        starts = [i == 0 or c is None or c != conversations[i - 1] for i, c in enumerate(conversations)]
        self._real.follows[first:] = [not s for s in starts]
        named = {k for ks in _ORGANIC.values() for k in ks}
        kinds = [
            "zh" if (lang or "").startswith("zh") else k if k in named else "*"
            for k, lang in zip(columns["kind"], columns["language"], strict=True)
        ]
        kinds = [k if s else "" for k, s in zip(kinds, starts, strict=True)]
        for domain, wanted in _ORGANIC.items():
            rows = self._rows_of(columns["prompt"], kinds, wanted, first)
            if len(rows) and domain in DOMAINS:
                self._pools["open", domain] = _Pool(-(self._rng.permutation(rows) + 1))

    def _extend(self, columns: dict[str, list[Any]]) -> int:
        first = len(self._real.prompts)
        self._real.prompts.extend(p if p is not None else "" for p in columns["prompt"])
        self._real.responses.extend(columns["response"])
        self._real.follows.extend([False] * len(columns["prompt"]))
        self._real.pasted.extend(k not in _FORMULAIC for k in columns["kind"])
        return first

    def _rows_of(self, prompts: list[Any], kinds: list[str], wanted: tuple[str, ...], first: int) -> Ints:
        """Rows of the wanted kinds, each distinct text once."""
        seen: dict[str, int] = {}
        for i, (prompt, kind) in enumerate(zip(prompts, kinds, strict=True)):
            if kind in wanted and prompt and prompt.strip():
                seen.setdefault(prompt, i)
        return np.fromiter(seen.values(), dtype=np.int64, count=len(seen)) + first


def _is_chinese(text: str) -> bool:
    start = text[:60]
    return sum(c > "\u2e80" for c in start) * 3 > len(start)


def _question(prompt: str | None) -> str:
    """A question without the "Q: ... A: ..." frame that some collections put around it."""
    text = prompt or ""
    if text.startswith("Q: ") and "\nA:" in text:
        return text[3 : text.rindex("\nA:")].strip()
    return text


def _share(rows: Ints, kind: str, domain: str) -> Ints:
    sharers = [d for d, kinds in _HARVEST.items() if kind in kinds]
    mine: Ints = rows[(rows // 2) % len(sharers) == sharers.index(domain)]
    return mine
