"""``iolaus policy``: check a policy, try it on a log, publish it to the gateways, approve a block."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iolaus.cli.common import AsJson, console
from iolaus.errors import InputError

if TYPE_CHECKING:
    from iolaus.enforce.backtest import Backtest

__all__ = ["app"]

app = typer.Typer(help="What may be done to whom: check, try out and publish a policy.", no_args_is_help=True)

PolicyFile = Annotated[Path, typer.Option("--policy", help="The policy, a YAML file.")]
FindingsFolder = Annotated[Path, typer.Option("--findings", help="Folder that detect wrote.")]
AuditFolder = Annotated[Path, typer.Option("--audit", help="Folder of the audit log.")]
AccountsTable = Annotated[str | None, typer.Option("--accounts", help="Account table: a file, folder or glob.")]
Now = Annotated[int | None, typer.Option("--now", help="Seconds since 1970 UTC, instead of the clock.")]

_LISTED = 20


@app.command()
def check(
    policy: Annotated[Path | None, typer.Argument(help="The policy, a YAML file.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of policies and stop.")] = False,
) -> None:
    """Check that a policy can be used, and say in words what it does."""
    from iolaus.enforce.policy import load_policy, policy_schema

    if schema:
        typer.echo(json.dumps(policy_schema(), indent=2))
        return
    if policy is None:
        raise InputError("give the policy to check")
    found = load_policy(policy)
    state = "enforced" if found.enforce else "only observed: enforce is false"
    typer.echo(f"{policy} is a policy of {len(found.rules)} rules, {state}.")
    for rule in found.rules:
        when = rule.when
        typer.echo(
            f"  {rule.name}: {rule.action} where the verdict is {' or '.join(when.verdict)}, q is at most "
            f"{when.q_value_at_most:g}, at least {when.traffic_share_at_least:.0%} and {when.attributed_at_least} of "
            f"the account's exchanges are the campaign's, and it stands {' or '.join(when.standing)}"
        )


@app.command()
def backtest(
    log: Annotated[str, typer.Argument(help="Exchange log that the findings are of: a file, folder or glob.")],
    findings: FindingsFolder,
    policy: PolicyFile,
    accounts: AccountsTable = None,
    redact: Annotated[bool, typer.Option("--redact", help="Show no account ids.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show who would have been touched; nothing is recorded or published."""
    from iolaus.enforce.backtest import backtest as run
    from iolaus.enforce.findings import read_findings
    from iolaus.enforce.policy import load_policy

    rules = load_policy(policy)
    found = read_findings(findings, log=log, accounts=accounts, standings=rules.standing)
    result = run(found, rules)
    if as_json:
        document = result.to_json()
        if redact:
            document = {key: document[key] for key in ("accounts", "by_action", "spared")}
        typer.echo(json.dumps(document))
    else:
        _show(result, redact)


def _show(result: "Backtest", redact: bool) -> None:
    from rich.table import Table

    terminal = console()
    table = Table("action", "accounts", "exchanges", "of them not the campaign's", "organisations", "over a cap")
    for row in result.by_action():
        table.add_row(row["action"], *(f"{row[k]:,}" for k in list(row)[1:]))
    terminal.print(table)
    touched = sum(d.touching for d in result.decisions)
    terminal.print(f"{touched:,} of the log's {result.accounts:,} accounts would be touched.")
    for why, count in result.spared.items():
        terminal.print(f"{count:,} accounts of campaigns are left alone: {why}.")
    if result.pending:
        terminal.print(f"{len(result.pending):,} blocks would wait for two persons.")
    if redact:
        return
    for decision in result.decisions[:_LISTED]:
        share = "unknown" if decision.share is None else f"{decision.share:.0%}"
        terminal.print(
            f"  {decision.account_id}: {decision.action} by {decision.rule} "
            f"({decision.campaign_id}, q {decision.q_value:.2g}, share {share})",
            highlight=False,
            markup=False,
        )
    if len(result.decisions) > _LISTED:
        terminal.print(f"  and {len(result.decisions) - _LISTED:,} more; --json lists them all")


@app.command()
def publish(
    findings: FindingsFolder,
    policy: PolicyFile,
    audit: AuditFolder,
    snapshot: Annotated[Path, typer.Option("--snapshot", help="The snapshot that the gateways watch.")],
    log: Annotated[
        str | None, typer.Option("--log", help="Exchange log, for the share of an account's traffic.")
    ] = None,
    accounts: AccountsTable = None,
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Decide on the findings' accounts, record the decisions, and hand them to the gateways."""
    from iolaus.enforce.findings import read_findings
    from iolaus.enforce.ledger import replay
    from iolaus.enforce.policy import load_policy
    from iolaus.enforce.publish import audit_file
    from iolaus.enforce.publish import publish as run

    rules = load_policy(policy)
    at = int(time.time()) if now is None else now
    lifted = replay(audit_file(audit), at).history.lifted
    found = read_findings(
        findings,
        log=log,
        accounts=accounts,
        standings=rules.standing,
        lifted_until={account: item.until for account, item in lifted.items()},
    )
    done = run(found, rules, audit, snapshot, at, backwards=now is not None)
    made = done.plan
    counts = {"made": len(made.made), "kept": len(made.kept), "withdrawn": len(made.withdrawn)}
    waiting = [{"account_id": p.account_id, "rule": p.rule, "approved_by": p.approved_by} for p in made.pending]
    if as_json:
        typer.echo(json.dumps({"snapshot_id": done.snapshot_id} | counts | {"spared": made.spared, "pending": waiting}))
        return
    typer.echo(
        f"Snapshot {done.snapshot_id}: {counts['made']} decisions made, {counts['kept']} kept, "
        f"{counts['withdrawn']} withdrawn. Audit log: line {done.head.seq}, {done.head.hash}."
    )
    for wait in waiting:
        by = ", ".join(wait["approved_by"]) or "nobody"
        typer.echo(f"  block of {wait['account_id']} by rule {wait['rule']} waits for two persons; approved by {by}")


@app.command()
def approve(
    account: Annotated[str, typer.Argument(help="Account whose block is approved.")],
    rule: Annotated[str, typer.Argument(help="Rule that asks for the block.")],
    policy: PolicyFile,
    audit: AuditFolder,
) -> None:
    """Approve a block that waits for two persons; your token is read from IOLAUS_APPROVER_TOKEN."""
    from iolaus.enforce.appeal import approve as run
    from iolaus.enforce.policy import load_policy

    token = os.environ.get("IOLAUS_APPROVER_TOKEN", "")
    name = run(audit, load_policy(policy), account, rule, token, int(time.time()))
    typer.echo(f"{name} approves the block of {account}; it takes effect with the next publish after a second approval")
