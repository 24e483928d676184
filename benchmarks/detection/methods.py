"""The methods by name, how each is run on a range, and the code that an answer of theirs rests on."""

import ast
from functools import lru_cache
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from benchmarks.detection.answers import Answer
from benchmarks.detection.ours import find
from iolaus.signals import SIGNALS

__all__ = ["ABLATIONS", "BARE", "METHODS", "OURS", "PACKAGES", "PEERS", "code_of", "lacking", "range_code", "run"]

OURS: Final = "iolaus"
BARE: Final = "iolaus-bare"
_WITHOUT: Final = "iolaus-without-"
PEERS: Final = {
    "volume": "volume threshold",
    "identifiers": "shared identifiers",
    "template_hash": "template hash",
    "minhash_leiden": "MinHash-LSH + Leiden",
    "splink_records": "Splink",
    "pyod_iforest": "PyOD IForest",
    "pyod_ecod": "PyOD ECOD",
    "fraudar": "FRAUDAR",
    "synchrotrap": "SynchroTrap-like",
    "mmd_windows": "MMD windows",
}
ABLATIONS: Final = {_WITHOUT + s.name: s.name for s in SIGNALS}
METHODS: Final = {OURS: "Iolaus", BARE: "Iolaus without addresses, clients, accounts", **PEERS, **ABLATIONS}
PACKAGES: Final = {"datasketch": "minhash_leiden", "splink": "splink_records", "pyod": "pyod_iforest, pyod_ecod"}

_HERE: Final = Path(__file__).parent
_SOURCE: Final = Path(__file__).parents[2] / "src" / "iolaus"
_DETECTOR: Final = ("detect", "signals", "text", "store", "ingest", "stats.py", "campaign.py", "schema.py")


def lacking(methods: list[str]) -> list[str]:
    """Packages of the extra ``bench`` that the methods need and that are not installed."""
    need = [p for p, users in PACKAGES.items() if any(m in users.split(", ") for m in methods)]
    return [p for p in need if find_spec(p) is None]


def run(method: str, folder: Path) -> Answer:
    """A method's answer on a range."""
    if method in (OURS, BARE) or method in ABLATIONS:
        return find(folder, ABLATIONS.get(method), method == BARE)
    exchanges = pq.read_table(folder / "exchanges.parquet")
    accounts = pq.read_table(folder / "accounts.parquet")
    peer = import_module(f"benchmarks.detection.peers.{method}")
    return Answer(tuple(peer.suspects(exchanges, accounts)))


def code_of(method: str) -> str:
    """A digest of the code that the method's answers rest on: they are made anew when it changes."""
    if method in PEERS:
        shared = [_HERE / f"{name}.py" for name in ("wordings", "linkage", "features")]
        return _digest([_HERE / "peers" / f"{method}.py", *shared])
    return _digest([*(_SOURCE / part for part in _DETECTOR), _HERE / "ours.py"])


def range_code() -> str:
    """A digest of the code that the ranges rest on."""
    return _digest([_SOURCE / "simulate", _SOURCE / "schema.py", _HERE / "scenarios.py", _HERE / "ranges.py"])


def _digest(places: list[Path]) -> str:
    seen = blake2b(digest_size=8)
    for place in places:
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            seen.update(path.name.encode() + _code(path, path.stat().st_mtime_ns))
    return seen.hexdigest()


@lru_cache(maxsize=1024)
def _code(path: Path, changed: int) -> bytes:
    """A file's code without comments and docstrings, whose rewording changes no answer."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            del body[0]
    return ast.dump(tree).encode()
