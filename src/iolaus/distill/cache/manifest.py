"""What a cache was made from: hashes of teacher, tokenizer and corpus, and how it was made."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from iolaus.distill.cache.sparse import Kind
from iolaus.distill.untyped import Network, Tokenizer
from iolaus.errors import StaleCache

__all__ = ["CACHE_SCHEMA", "Manifest", "network_digest", "read_manifest", "tokenizer_digest"]

CACHE_SCHEMA: Final = "iolaus.teacher-cache/1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The identity of a cache.

    Args:
        teacher: SHA-256 of the weights.
        tokenizer: SHA-256 of vocabulary and rules.
        corpus: SHA-256 of the training rows.
        kind: sampled, systematic, top_k or hidden.
        tokens: draws, or k.
        power: of the proposal.
        temperature: that the teacher's logits were divided by.
        wide: rows of the vocabulary that count.
        rows: training rows in all.
        shard_rows: training rows a shard.
        seed: of the draws.
        nats: mean divergence that is allowed between the teacher and what is read back (hidden).
    """

    teacher: str
    tokenizer: str
    corpus: str
    kind: Kind
    tokens: int
    power: float
    temperature: float
    wide: int
    rows: int
    shard_rows: int
    seed: int
    nats: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As a tree of plain values."""
        return {"schema": CACHE_SCHEMA} | asdict(self)

    def require_same(self, other: "Manifest", path: Path) -> None:
        """Refuse a cache that was made from something else.

        Raises:
            StaleCache: names the first thing that differs.
        """
        for field in fields(self):
            found, wanted = getattr(other, field.name), getattr(self, field.name)
            if found != wanted:
                hashed = field.name in ("teacher", "tokenizer", "corpus")
                said = f"another {field.name}" if hashed else f"{field.name} {found}, not {wanted}"
                raise StaleCache(f"the cache in {path} was made with {said}; use another folder")


def read_manifest(path: Path) -> Manifest:
    """The manifest of a cache's folder.

    Raises:
        StaleCache: there is none, or it is of another version.
    """
    try:
        found = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        if found.pop("schema") != CACHE_SCHEMA:
            raise StaleCache(f"the cache in {path} is of another version than {CACHE_SCHEMA}")
        return Manifest(**found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StaleCache(f"{path} holds no manifest of a teacher's cache that can be read") from error


def network_digest(network: Network) -> str:
    """SHA-256 over names, types, shapes and bytes of all weights, in the order of their names."""
    import torch

    found = hashlib.sha256()
    for name, weight in sorted(network.state_dict().items()):
        found.update(f"{name} {weight.dtype} {tuple(weight.shape)}\n".encode())
        plain = weight.detach().cpu().contiguous()
        found.update(plain.view(-1).view(torch.uint8).numpy().data if plain.numel() else b"")
    return found.hexdigest()


def tokenizer_digest(tokenizer: Tokenizer) -> str:
    """SHA-256 over the vocabulary with its ids, and over the rules where the tokenizer can write them down."""
    vocabulary = json.dumps(sorted(tokenizer.get_vocab().items()), ensure_ascii=True)
    rules = tokenizer.backend_tokenizer.to_str() if getattr(tokenizer, "is_fast", False) else type(tokenizer).__name__
    return hashlib.sha256(f"{vocabulary}\n{rules}".encode("utf-8", "surrogatepass")).hexdigest()
