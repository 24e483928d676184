"""Appeals: opened for whoever was refused, upheld or lifted by a person; approvals of blocks."""

from pathlib import Path
from typing import Any, Final

from iolaus.enforce.audit import AuditLog
from iolaus.enforce.identity import key_digest
from iolaus.enforce.ledger import Appeal, replay
from iolaus.enforce.policy import Policy
from iolaus.enforce.publish import audit_file
from iolaus.errors import InputError

__all__ = ["approve", "settle"]

# From which states a state may follow; None is no appeal yet.
_AFTER: Final[dict[str, tuple[str | None, ...]]] = {
    "open": (None,),
    "upheld": ("open",),
    "lifted": (None, "open", "upheld"),
}
_LONGEST: Final = 2_000


def settle(folder: Path, decision_id: str, state: str, by: str, reason: str, now: int) -> Appeal:
    """Open, uphold or lift an appeal.

    Lifting frees the account of every decision on it. It takes effect at the gateways with the next snapshot; see
    `iolaus.enforce.publish.republish`.

    Args:
        folder: of the audit log.
        decision_id: what the refused caller was told.
        state: ``open``, ``upheld`` or ``lifted``.
        by: who says so.
        reason: why, in a sentence.
        now: seconds since 1970 UTC.

    Raises:
        InputError: there is no such decision, or its appeal stands otherwise.
        OutputError: the log cannot be written.
    """
    if not by.strip() or not reason.strip():
        raise InputError("an appeal needs a name and a reason")
    path = audit_file(folder)
    with AuditLog(path).locked() as log:
        ledger = replay(path, now)
        decision = ledger.decisions.get(decision_id)
        if decision is None:
            raise InputError(f"{path}: there is no decision {decision_id!r}")
        before = ledger.appeals.get(decision_id)
        stands = before.state if before else None
        if stands not in _AFTER[state]:
            raise InputError(f"{path}: the appeal against {decision_id} {_words(stands)}; it cannot be {_made(state)}")
        body: dict[str, Any] = {
            "decision_id": decision_id,
            "account_id": decision.account_id,
            "evidence": decision.evidence,
            "state": state,
            "by": by[:_LONGEST],
            "reason": reason[:_LONGEST],
        }
        log.append([("appeal", body)], max(now, ledger.last_at))
    return Appeal(decision_id, state, by, reason, now)


def approve(folder: Path, policy: Policy, account_id: str, rule: str, token: str, now: int) -> str:
    """Approve a block that waits for two persons; takes effect when the policy is next published.

    Args:
        folder: of the audit log.
        policy: names the approvers and the digests of their tokens.
        account_id: whom the block would touch.
        rule: its rule.
        token: the person's own; only its digest is compared, nothing of it is kept.
        now: seconds since 1970 UTC.

    Returns:
        The approver's name.

    Raises:
        InputError: the token is nobody's, or no such block waits.
        OutputError: the log cannot be written.
    """
    if policy.two_persons is None:
        raise InputError("the policy asks for no approvals: it has no two_persons")
    digest = key_digest(token)
    name = next((name for name, known in policy.two_persons.approvers.items() if known == digest), None)
    if name is None:
        raise InputError("the token is not that of an approver in the policy")
    path = audit_file(folder)
    with AuditLog(path).locked() as log:
        ledger = replay(path, now)
        if (account_id, rule) not in ledger.pending:
            raise InputError(f"{path}: no block of account {account_id!r} by rule {rule!r} waits for approval")
        log.append([("approval", {"account_id": account_id, "rule": rule, "by": name})], max(now, ledger.last_at))
    return name


def _words(state: str | None) -> str:
    return "was never opened" if state is None else {"open": "is open"}.get(state, f"was {state}")


def _made(state: str) -> str:
    return "opened" if state == "open" else state
