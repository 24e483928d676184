"""``iolaus convert``: logs of gateways and instrumentations to the contract's exchange log."""

import json
from pathlib import Path
from typing import Annotated

import typer

from iolaus.cli.common import AsJson
from iolaus.errors import InputError

__all__ = ["app"]

app = typer.Typer(help="Turn other programs' logs into an exchange log that detect reads.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(help="JSON or JSON Lines: a file, a folder or a glob.")]
Out = Annotated[Path, typer.Option("--out", help="JSON Lines file to write.")]


@app.command()
def litellm(
    source: Source,
    out: Out,
    account: Annotated[
        str, typer.Option("--account", help="Which of a key's properties is the account; the first it has.")
    ] = "user_id,team_id,key_hash",
    trusted_hops: Annotated[
        int, typer.Option("--trusted-hops", min=0, max=16, help="Proxies of your own in front of LiteLLM.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Convert LiteLLM's StandardLoggingPayloads."""
    from typing import cast, get_args

    from iolaus.ingest.convert import convert_litellm
    from iolaus.ingest.litellm import Account, LiteLLMReading

    chosen = tuple(name.strip() for name in account.split(","))
    if wrong := [name for name in chosen if name not in get_args(Account)]:
        raise InputError(f"--account knows {', '.join(get_args(Account))}, not {wrong[0]!r}")
    reading = LiteLLMReading(cast(tuple[Account, ...], chosen), trusted_hops)
    _tell(convert_litellm(source, out, reading), out, as_json)


@app.command()
def otel(
    source: Source,
    out: Out,
    access: Annotated[
        str, typer.Option("--access", help="JSON Lines with account_id and trace_id or response_id of each request.")
    ],
    as_json: AsJson = False,
) -> None:
    """Convert OTLP JSON of the OpenTelemetry GenAI conventions, joined with an access log."""
    from iolaus.ingest.convert import convert_otel

    _tell(convert_otel(source, out, access), out, as_json)


def _tell(counts: dict[str, int], out: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(counts))
        return
    typer.echo(f"{counts.pop('written'):,} exchanges written to {out}.")
    for reason, count in sorted(counts.items()):
        typer.echo(f"{count:,} set aside: {reason}")
