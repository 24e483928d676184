"""``iolaus audit`` and ``iolaus appeal``: show, prove and contest decisions."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from iolaus.errors import InputError

__all__ = ["appeal", "audit"]

audit = typer.Typer(help="The log of all decisions: verify it, or show what is behind one.", no_args_is_help=True)
appeal = typer.Typer(help="Appeals against decisions: open, uphold or lift one.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--audit", help="Folder of the audit log.")]
DecisionId = Annotated[str, typer.Argument(help="Id of the decision, as the refused caller was told.")]
By = Annotated[str, typer.Option("--by", help="Who says so.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a sentence.")]


@audit.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="Folder of the audit log.")],
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", help="A published snapshot; it knows where the log ended.")
    ] = None,
    head: Annotated[str | None, typer.Option("--head", help="A line noted earlier, as LINE:HASH.")] = None,
) -> None:
    """Check that no line of the log was changed, removed, added or moved."""
    from iolaus.enforce.audit import Head
    from iolaus.enforce.audit import verify as run
    from iolaus.enforce.publish import audit_file
    from iolaus.enforce.snapshot import read_snapshot

    known = []
    if snapshot is not None:
        noted = read_snapshot(snapshot).description.get("audit_head", {})
        known.append(Head(int(noted.get("seq", 0)), str(noted.get("hash", ""))))
    if head is not None:
        line, _, seal = head.partition(":")
        if not line.isdigit() or not seal:
            raise InputError(f"--head must look like 12:HASH, not {head!r}")
        known.append(Head(int(line), seal))
    found = run(audit_file(folder), known)
    typer.echo(f"The log is whole: {found.seq} lines, the last is {found.seq}:{found.hash}")


@audit.command()
def show(
    folder: Annotated[Path, typer.Argument(help="Folder of the audit log.")],
    wanted: Annotated[str, typer.Argument(help="Id of a decision, or of an account.")],
) -> None:
    """Print all that the log says about a decision or an account, evidence included, as JSON."""
    from iolaus.enforce.audit import read_entries
    from iolaus.enforce.publish import audit_file

    path = audit_file(folder)
    cases: dict[str, dict[str, Any]] = {}
    found: list[dict[str, Any]] = []
    for entry in read_entries(path):
        body = entry.body
        if entry.kind == "case":
            cases[body["case"]] = body
        elif wanted in (body.get("decision_id"), body.get("account_id")):
            found.append({"line": entry.seq, "at": entry.at, "kind": entry.kind} | body)
    if not found:
        raise InputError(f"{path}: nothing is recorded about {wanted!r}")
    named = {item["case"] for item in found if "case" in item}
    typer.echo(json.dumps({"entries": found, "cases": {digest: cases[digest] for digest in sorted(named)}}, indent=2))


@appeal.command("open")
def open_(decision: DecisionId, folder: Folder, by: By, reason: Reason) -> None:
    """Open an appeal against a decision."""
    _settle(decision, folder, "open", by, reason, None)


@appeal.command()
def uphold(decision: DecisionId, folder: Folder, by: By, reason: Reason) -> None:
    """Decide that a decision stands."""
    _settle(decision, folder, "upheld", by, reason, None)


@appeal.command()
def lift(
    decision: DecisionId,
    folder: Folder,
    by: By,
    reason: Reason,
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", help="Publish at once to the snapshot that the gateways watch.")
    ] = None,
) -> None:
    """Free the account; it is not flagged again on the same evidence."""
    _settle(decision, folder, "lifted", by, reason, snapshot)


def _settle(decision: str, folder: Path, state: str, by: str, reason: str, snapshot: Path | None) -> None:
    from iolaus.enforce.appeal import settle
    from iolaus.enforce.publish import republish

    now = int(time.time())
    settle(folder, decision, state, by, reason, now)
    typer.echo(f"The appeal against {decision} is {state}.")
    if snapshot is not None:
        typer.echo(f"Published snapshot {republish(folder, snapshot, now)}.")
