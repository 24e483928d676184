"""The case file: everything that somebody else needs to check a verdict without us."""

import json
import os
from importlib.resources import files
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from iolaus.errors import EvidenceError, OutputError
from iolaus.provenance.verdict import Finding, Verdict
from iolaus.provenance.verify import canonical, commitment

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["CASE_SCHEMA", "case_of", "summary", "write_case"]

CASE_SCHEMA: Final = "iolaus.case/2"
Json = dict[str, Any]


def summary(verdict: Verdict) -> Json:
    """What a verdict says, without exchanges."""
    return {
        "suspect": verdict.plan.suspect,
        "access": verdict.access,
        "grade": verdict.plan.grade,
        "accused": verdict.accused,
        "alpha": verdict.plan.alpha,
        **_finding(verdict.overall),
        "e_value": min(exp(min(verdict.overall.log_e_value, 709.0)), 1e300),
        "by_account": {name: _finding(one) for name, one in verdict.by_account.items()},
        "by_campaign": {name: _finding(one) for name, one in verdict.by_campaign.items()},
        "controls": verdict.controls,
        "refused": list(verdict.refused),
        "cannot_conclude": list(verdict.cannot_conclude),
        "left_out": len(verdict.tried.left_out),
        "queries": verdict.tried.queries,
    }


def case_of(verdict: Verdict, *, redact: bool = False) -> Json:
    """The case file's content, unsigned.

    Args:
        verdict: what was found.
        redact: put salted hashes in place of prompts, answers and nonces, and ordinals in place of account names.
    """
    tried, registered, plan = verdict.tried, verdict.registered, verdict.plan
    vault, seal, final = registered.vault, plan.seal, registered.final
    names = _names(verdict, redact)
    lines = vault.lines([e.seq for e in tried.exchanges])
    rows = []
    for i, exchange in enumerate(tried.exchanges):
        groups = {"account": names.get(exchange.account, "")}
        if exchange.account in plan.campaigns:
            groups["campaign"] = plan.campaigns[exchange.account]
        coin = int(tried.served[i])
        entry = lines[exchange.seq]
        rows.append(
            {
                "entry": _redacted(entry, coin) if redact else entry,
                "coin": coin,
                "proof": [h.hex() for h in vault.tree.inclusion(exchange.seq, seal.size)],
                "scores": {name: table[i].tolist() for name, table in tried.scores.items()},
                "points": tried.points[i].tolist(),
                "groups": groups,
            }
        )
    plan_line = vault.lines([registered.line])[registered.line]
    return {
        "schema": CASE_SCHEMA,
        "vault": {
            "id": vault.vault_id,
            "seal": {"size": seal.size, "root": seal.root, "time": seal.time},
            "final": {"size": final.size, "root": final.root, "time": final.time},
            "consistency": [h.hex() for h in vault.tree.consistency(seal.size, final.size)],
            "earlier_plans": registered.earlier,
        },
        "plan": {
            "entry": plan_line,
            "proof": [h.hex() for h in vault.tree.inclusion(registered.line, final.size)],
        },
        "exchanges": rows,
        "campaigns": None if redact else {"of": dict(plan.campaigns), "salt": plan.salt},
        "left_out": {str(seq): reason for seq, reason in tried.left_out.items()},
        "access": verdict.access,
        "weights": tried.weights,
        "controls": verdict.controls,
        "self_test": tried.never_served,
        "result": _finding(verdict.overall) | {"accused": verdict.accused, "refused": list(verdict.refused)},
        "groups": {
            "account": {names[name]: _finding(one) for name, one in verdict.by_account.items()},
            "campaign": {name: _finding(one) for name, one in verdict.by_campaign.items()},
        },
        "cannot_conclude": list(verdict.cannot_conclude),
    }


def write_case(
    verdict: Verdict, path: Path, *, signer: "Ed25519PrivateKey | None" = None, redact: bool = False
) -> Path:
    """Write case file, page and verifying program; see `Verdict.write`.

    Raises:
        OutputError: a file cannot be written.
        EvidenceError: the cryptography package is missing.
    """
    from iolaus.provenance.page import render_case

    case = case_of(verdict, redact=redact)
    case["signature"] = _signature(canonical(case), signer)
    _write(path, json.dumps(case, indent=1, ensure_ascii=True, allow_nan=False) + "\n")
    _write(path.with_suffix(".html"), render_case(case, redacted=redact))
    _write(path.with_name("verify.py"), (files("iolaus.provenance") / "verify.py").read_text(encoding="utf-8"))
    return path


def _finding(finding: Finding) -> Json:
    return dict(finding.__dict__)


def _names(verdict: Verdict, redact: bool) -> dict[str, str]:
    """How accounts are called in the file."""
    known = sorted(verdict.by_account)
    return {name: f"account {i}" if redact else name for i, name in enumerate(known, 1)}


def _redacted(entry: Json, coin: int) -> Json:
    """An entry with hashes in place of its texts; the coin stands beside it."""
    hidden = commitment(entry, coin)
    del hidden["coin"]
    return hidden | {"redacted": True}


def _signature(content: bytes, signer: "Ed25519PrivateKey | None") -> Json:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise EvidenceError("signing a case needs cryptography: pip install 'iolaus[prove]'") from error
    key = signer or Ed25519PrivateKey.generate()
    return {"public_key": key.public_key().public_bytes_raw().hex(), "value": key.sign(content).hex()}


def _write(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
