"""The one orchestrator: findings and policy to decisions, recorded first and published after."""

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from iolaus.enforce.audit import AuditLog, Head
from iolaus.enforce.decision import Decision
from iolaus.enforce.findings import Findings
from iolaus.enforce.ledger import Ledger, replay
from iolaus.enforce.plan import Plan, plan
from iolaus.enforce.policy import Policy
from iolaus.enforce.snapshot import write_snapshot
from iolaus.errors import InputError, OutputError

__all__ = ["Published", "audit_file", "publish", "republish", "secret_key"]

_BACKWARDS_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did."""

    snapshot_id: str
    plan: Plan
    head: Head


def audit_file(folder: Path) -> Path:
    """Where the audit log of a folder lies."""
    return folder / "audit.jsonl"


def secret_key(folder: Path) -> bytes:
    """The key behind delays and decision ids; made at first use, readable by its owner only.

    Raises:
        OutputError: it can neither be read nor made.
    """
    path = folder / "key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            beside = path.with_name(f".key.{os.getpid()}.{secrets.token_hex(4)}")
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
                file.flush()
                os.fsync(file.fileno())
            try:
                # A link fails where the key is there already, so that of two first publishers one wins.
                os.link(beside, path)
            except FileExistsError:
                pass
            finally:
                beside.unlink()
        key = path.read_bytes()
    except OSError as error:
        raise OutputError(f"{path}: the key cannot be read or made: {error.strerror or error}") from error
    if len(key) != 32:
        raise OutputError(f"{path}: the key must be 32 bytes long; move the file away to have another made")
    return key


def publish(
    findings: Findings, policy: Policy, folder: Path, to: Path, now: int, *, backwards: bool = False
) -> Published:
    """Decide, record, publish.

    The decisions are on disk in the audit log before the snapshot that carries them takes the old one's place: what a
    gateway does is always in the log.

    Args:
        findings: the campaigns' accounts.
        policy: the rules.
        folder: of the audit log and its key.
        to: the snapshot that the gateways watch.
        now: seconds since 1970 UTC.
        backwards: accept a ``now`` before the log's last entry.

    Raises:
        InputError: the log cannot be read, or the clock is behind it.
        OutputError: the log or the snapshot cannot be written; gateways go on with the snapshot they have.
    """
    key = secret_key(folder)
    path = audit_file(folder)
    with AuditLog(path).locked() as log:
        ledger = replay(path, now)
        now = _not_before(ledger, now, path, backwards)
        made = plan(findings.subjects, policy, ledger.history, now, key)
        live = [*made.kept, *made.made]
        snapshot_id = _name(live, now)
        head = log.append(_entries(findings, made, ledger, snapshot_id, live), now)
        _write(to, live, snapshot_id, head, now)
    return Published(snapshot_id, made, head)


def republish(folder: Path, to: Path, now: int) -> str:
    """Publish what the log says now, so that an appeal takes effect at once; returns the snapshot's id.

    Raises:
        InputError, OutputError: as for `publish`.
    """
    path = audit_file(folder)
    with AuditLog(path).locked() as log:
        live = replay(path, now).live(now)
        snapshot_id = _name(live, now)
        head = log.append([_snapshot_entry(snapshot_id, live)], now)
        _write(to, live, snapshot_id, head, now)
    return snapshot_id


def _not_before(ledger: Ledger, now: int, path: Path, backwards: bool) -> int:
    """Time does not run backwards in the log: small steps are held up, large ones are refused."""
    behind = ledger.last_at - now
    if behind <= 0 or backwards:
        return now
    if behind > _BACKWARDS_S:
        raise InputError(
            f"{path}: the clock is {behind / 3600:.1f} hours behind the log's last entry; set it right, or give --now"
        )
    return ledger.last_at


def _entries(
    findings: Findings, made: Plan, ledger: Ledger, snapshot_id: str, live: Sequence[Decision]
) -> Iterable[tuple[str, dict[str, Any]]]:
    for digest in sorted({decision.case for decision in made.made} | {p.case for p in made.pending}):
        if digest not in ledger.cases:
            yield "case", {"case": digest} | findings.cases[digest]
    for wait in made.pending:
        if (wait.account_id, wait.rule) not in ledger.pending:
            yield "pending", {"account_id": wait.account_id, "rule": wait.rule, "case": wait.case}
    for decision, why in made.withdrawn:
        yield "withdrawn", {"decision_id": decision.decision_id, "account_id": decision.account_id, "why": why}
    for decision in made.made:
        yield "decision", decision.to_json() | {"snapshot_id": snapshot_id}
    yield _snapshot_entry(snapshot_id, live)


def _snapshot_entry(snapshot_id: str, live: Sequence[Decision]) -> tuple[str, dict[str, Any]]:
    return "snapshot", {"snapshot_id": snapshot_id, "decisions": len(live)}


def _name(live: Sequence[Decision], now: int) -> str:
    """Time and content: the same decisions at the same second are the same snapshot."""
    content = sha256("\n".join(sorted(d.decision_id for d in live)).encode()).hexdigest()[:8]
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{content}"


def _write(to: Path, live: Sequence[Decision], snapshot_id: str, head: Head, now: int) -> None:
    description = {"snapshot_id": snapshot_id, "created_at": now, "audit_head": {"seq": head.seq, "hash": head.hash}}
    write_snapshot(to, (decision.row() for decision in live), description)
