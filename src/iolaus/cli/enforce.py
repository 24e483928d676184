"""``iolaus enforce``: the service beside a LiteLLM proxy, and files that gateways need."""

import os
from pathlib import Path
from typing import Annotated

import typer

from iolaus.errors import InputError

__all__ = ["app"]

app = typer.Typer(help="Decisions for gateways that ask over HTTP.", no_args_is_help=True)


@app.command()
def serve(
    settings: Annotated[Path, typer.Option("--settings", help="gateway.yaml: where the snapshot is, and so on.")],
    logs: Annotated[Path | None, typer.Option("--logs", help="Folder for the exchange log; none, no logs.")] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on.")] = 8460,
) -> None:
    """Take LiteLLM's logs and answer its guardrail; the token is read from IOLAUS_SERVICE_TOKEN."""
    try:
        import uvicorn

        from iolaus.enforce.service import Service
    except ImportError as error:
        raise InputError("the service needs more packages: pip install 'iolaus[serve]'") from error
    from iolaus.enforce.settings import TOKEN_VARIABLE, load_settings
    from iolaus.enforce.sink import LogSink
    from iolaus.ingest.litellm import LiteLLMReading

    token = os.environ.get(TOKEN_VARIABLE, "")
    found = load_settings(settings)
    sink = None if logs is None else LogSink(logs, LiteLLMReading(found.accounts, found.trusted_hops))
    service = Service(found.guard(), sink, token, found.accounts)
    uvicorn.run(service.app(), host=host, port=port, log_level="warning", proxy_headers=False, server_header=False)


@app.command()
def key(
    account: Annotated[str, typer.Argument(help="Account that the key belongs to.")],
    keys: Annotated[Path, typer.Option("--keys", help="File of key digests; made where there is none.")],
) -> None:
    """Add an API key, read from standard input, to the file by which a gateway knows accounts."""
    import json
    import sys

    from iolaus.enforce.identity import key_digest, read_keys

    secret = sys.stdin.readline().strip()
    if not secret:
        raise InputError("give the API key on standard input")
    known = (read_keys(keys) if keys.exists() else {}) | {key_digest(secret): account}
    beside = keys.with_name(f".{keys.name}.{os.getpid()}.tmp")
    beside.write_text(json.dumps(known, indent=0) + "\n", encoding="utf-8")
    beside.replace(keys)
    typer.echo(f"{keys} knows {len(known)} keys.")
