"""The vault: twin answers, a keyed coin that serves one of them, and a root to publish before any suspect exists."""

import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from iolaus.errors import EvidenceError, InputError, OutputError
from iolaus.provenance.chain import Chain, Entry
from iolaus.provenance.coin import blind_order, coin, key_mark, twinned
from iolaus.provenance.merkle import Tree
from iolaus.provenance.verify import canonical, leaf_hash

__all__ = ["LateTwins", "Seal", "TwinExchange", "Vault"]

_MOST_TWINS: Final = 15


@dataclass(frozen=True)
class Seal:
    """A root over the vault's first lines, to be published and timestamped.

    Args:
        vault_id: of the vault.
        size: number of lines under the root.
        root: hexadecimal.
        time: when it was sealed, by the provider's clock.
        of_plan: made by a test to fix its plan; not meant to be published.
    """

    vault_id: str
    size: int
    root: str
    time: str
    of_plan: bool = False

    def __str__(self) -> str:
        """The root."""
        return self.root


@dataclass(frozen=True)
class TwinExchange:
    """An exchange with twins, as a test sees it: its coin is not here.

    Args:
        seq: number of its line in the vault.
        account: who asked.
        prompt: text.
        candidates: the answers in coin-blind order; one of them was served.
        grade: ``A`` where a coin decided before the answer was served, ``B`` where the twins were drawn later.
        never_served: for the self-test of grade B: none of the answers was ever handed out.
    """

    seq: int
    account: str
    prompt: str
    candidates: tuple[str, ...]
    grade: Literal["A", "B"] = "A"
    never_served: bool = False


@dataclass(frozen=True)
class LateTwins:
    """An answer from the log and fresh ones to the same prompt, drawn later.

    Args:
        prompt: text, with its whole history if there is one.
        logged: the answer that the log holds.
        fresh: answers drawn later from the same frozen weights at the logged settings.
        account: who asked.
        never_served: ``logged`` was drawn at the time but handed out to nobody; for the self-test.
        details: what else to seal.
    """

    prompt: str
    logged: str
    fresh: tuple[str, ...]
    account: str = ""
    never_served: bool = False
    details: dict[str, Any] | None = None


class Vault:
    """Twin answers on a share of the exchanges, append-only.

    On a share of the exchanges ``twins + 1`` answers are drawn and put in an order that only their texts decide; a
    coin that only key and nonce decide picks the one that is served. Every answer that is served is a plain sample of
    the teacher: nothing is changed in it, so nothing can be stripped. The line is on the disk before the answer is
    handed out. The coins are not written down; whoever has the key can recompute them.

    Args:
        folder: where ``log.jsonl`` and the seals are kept.
        key: secret of at least 16 bytes, the same whenever this vault is opened.

    Raises:
        InputError: the key is too short or not this vault's.
        EvidenceError: the log is not what was written.
    """

    def __init__(self, folder: str | Path, *, key: bytes) -> None:
        self.folder, self._key = Path(folder), key
        mark = key_mark(key)
        self._leaves: list[bytes] = []
        self.tree = Tree(self._leaves)
        self._twins: list[int] = []
        self._seals: list[Seal] = []
        self._opening: Entry = {}
        self._chain = Chain(self.folder / "log.jsonl", self._noticed)
        if not self._opening:
            opened = {"kind": "open", "vault": secrets.token_hex(16), "key_mark": mark, "time": _now()}
            self._chain.append([opened])
        if self._opening["key_mark"] != mark:
            raise InputError(f"the key is not the one that the vault {self.folder} was opened with")

    def __len__(self) -> int:
        """Number of exchanges with twins."""
        return len(self._twins)

    @property
    def vault_id(self) -> str:
        """The vault's own name."""
        return str(self._opening["vault"])

    @property
    def seals(self) -> tuple[Seal, ...]:
        """All seals so far, oldest first."""
        return tuple(self._seals)

    def serve(
        self,
        prompt: str,
        sample: Callable[[str], str],
        *,
        account: str = "",
        rate: float = 1.0,
        twins: int = 1,
        details: dict[str, Any] | None = None,
    ) -> str:
        """Answer a prompt, and keep twins of the answer on a share of the calls.

        Args:
            prompt: text.
            sample: draws one fresh, independent answer to a prompt; called once, or ``twins + 1`` times.
            account: who asks.
            rate: share of the calls that get twins.
            twins: sealed answers beside the served one.
            details: what else to seal, such as the sampling settings; JSON.

        Returns:
            The answer to hand out.
        """
        if not 0 <= rate <= 1:
            raise InputError(f"the rate must lie between 0 and 1, not {rate}")
        nonce = secrets.token_bytes(32)
        if not twinned(self._key, nonce, rate):
            return sample(prompt)
        _checked_twins(twins)
        return self._commit([(prompt, [sample(prompt) for _ in range(twins + 1)], account, details)], [nonce])[0]

    def commit(
        self, exchanges: Sequence[tuple[str, Sequence[str], str]], details: dict[str, Any] | None = None
    ) -> list[str]:
        """Seal candidates that were drawn elsewhere, and say which one of each to serve; one wait for the disk.

        Args:
            exchanges: prompt, independent candidates, account.
            details: what else to seal with each.

        Returns:
            The answers to hand out, in the same order.
        """
        rows = [(prompt, list(candidates), account, details) for prompt, candidates, account in exchanges]
        return self._commit(rows, [secrets.token_bytes(32) for _ in rows])

    def commit_late(self, rows: Sequence[LateTwins]) -> None:
        """Seal twins that were drawn after an answer was served: grade B, for no coin decided what was served.

        Args:
            rows: the logged answer of each exchange, and fresh ones.
        """
        entries = []
        for row in rows:
            _checked_twins(len(row.fresh))
            candidates = blind_order([row.logged, *row.fresh])
            logged = candidates.index(row.logged)
            details = {**(row.details or {}), "grade": "B", "never_served": row.never_served}
            entry = self._entry(row.prompt, candidates, row.account, details, secrets.token_bytes(32))
            entries.append(entry | {"logged": logged})
        self._chain.append(entries)

    def seal(self, *, of_plan: bool = False) -> Seal:
        """Write down the root over everything so far, and a file with it to publish (``seal-SIZE.json``).

        Args:
            of_plan: the seal is a test's own, behind its plan; no file is written.
        """
        size = len(self._leaves)
        line = {"kind": "seal", "size": size, "root": self.root(size), "time": _now(), "of_plan": of_plan}
        made = self._sealed(self._chain.append([line])[0])
        if of_plan:
            return made
        path = self.folder / f"seal-{made.size}.json"
        content = {"schema": "iolaus.seal/1", **made.__dict__}
        try:
            path.with_suffix(".tmp").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            os.replace(path.with_suffix(".tmp"), path)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error
        return made

    def register(self, plan: dict[str, Any]) -> int:
        """Write a test's plan into the vault, before the test; gives the number of its line."""
        return int(self._chain.append([{"kind": "plan", "plan": plan, "time": _now()}])[0]["seq"])

    def exchanges(self, size: int | None = None) -> Iterator[TwinExchange]:
        """The exchanges with twins among the first ``size`` lines, without their coins."""
        for entry in self._chain.entries():
            if size is not None and entry["seq"] >= size:
                return
            if entry["kind"] == "twin":
                grade: Literal["A", "B"] = "B" if "logged" in entry else "A"
                texts = tuple(entry["candidates"])
                never = bool(entry["details"].get("never_served"))
                yield TwinExchange(entry["seq"], entry["account"], entry["prompt"], texts, grade, never)

    def drawn_later(self) -> set[str]:
        """Ids of the logged exchanges that already have twins of grade B."""
        late = (entry for entry in self._chain.entries() if entry["kind"] == "twin" and "logged" in entry)
        return {str(entry["details"].get("exchange_id")) for entry in late}

    def served(self, seqs: Sequence[int]) -> np.ndarray:
        """Open the coins of exchanges: (n,) positions of the served candidates in coin-blind order."""
        return np.array([self._coin(entry) for entry in self.lines(seqs).values()], dtype=np.int64)

    def lines(self, seqs: Sequence[int]) -> dict[int, Entry]:
        """Entries by the number of their line."""
        return {int(seq): self._chain.entry(int(seq)) for seq in seqs}

    def root(self, size: int) -> str:
        """The root over the first ``size`` lines, hexadecimal."""
        return self.tree.root(size).hex()

    def plans(self) -> list[Entry]:
        """All plans that were ever registered, oldest first."""
        return [entry for entry in self._chain.entries() if entry["kind"] == "plan"]

    def _commit(
        self, rows: Sequence[tuple[str, list[str], str, dict[str, Any] | None]], nonces: list[bytes]
    ) -> list[str]:
        entries, answers = [], []
        for (prompt, drawn, account, details), nonce in zip(rows, nonces, strict=True):
            _checked_twins(len(drawn) - 1)
            candidates = blind_order(drawn) if all(isinstance(text, str) for text in drawn) else drawn
            entries.append(self._entry(prompt, candidates, account, details, nonce))
            answers.append(candidates[coin(self._key, nonce, len(candidates))])
        self._chain.append(entries)
        return answers

    @staticmethod
    def _entry(prompt: str, candidates: list[str], account: str, details: dict[str, Any] | None, nonce: bytes) -> Entry:
        if not all(isinstance(text, str) for text in (prompt, account, *candidates)):
            raise InputError("prompts, accounts and answers must be texts")
        try:
            canonical(details)
        except (TypeError, ValueError) as error:
            raise InputError(f"the details of an exchange must be JSON: {error}") from error
        return {
            "kind": "twin",
            "time": _now(),
            "nonce": nonce.hex(),
            "account": account,
            "prompt": prompt,
            "candidates": candidates,
            "details": details or {},
        }

    def _coin(self, entry: Entry) -> int:
        if "logged" in entry:
            return int(entry["logged"])
        return coin(self._key, bytes.fromhex(entry["nonce"]), len(entry["candidates"]))

    def _noticed(self, entry: Entry) -> None:
        """Keep what is needed of a line: its leaf, and what kind it is."""
        kind = entry["kind"]
        try:
            self._leaves.append(leaf_hash(entry, self._coin(entry) if kind == "twin" else None))
            if kind == "open":
                # Two processes may open a new vault at once; the first line counts.
                self._opening = self._opening or entry
            elif kind == "twin":
                self._twins.append(entry["seq"])
            elif kind == "seal":
                self._check_seal(entry)
                self._seals.append(self._sealed(entry))
        except (KeyError, TypeError, ValueError) as error:
            raise EvidenceError(f"{self.folder / 'log.jsonl'}, line {entry['seq'] + 1}: it lacks {error}") from error

    def _sealed(self, entry: Entry) -> Seal:
        return Seal(self.vault_id, entry["size"], entry["root"], entry["time"], entry["of_plan"])

    def _check_seal(self, entry: Entry) -> None:
        # With another key the roots differ too; that has its own message, which comes once the log is read.
        if self._opening["key_mark"] == key_mark(self._key) and self.root(entry["size"]) != entry["root"]:
            line = f"{self.folder / 'log.jsonl'}, line {entry['seq'] + 1}"
            raise EvidenceError(f"{line}: its root is not the root of the lines before it; one of them was altered")


def _checked_twins(twins: int) -> None:
    if not 1 <= twins <= _MOST_TWINS:
        raise InputError(f"an exchange has 1 to {_MOST_TWINS} twins, not {twins}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
