"""The command line. Heavy rooms are imported by the command that needs them, so that ``--help`` stays light."""

import sys
from typing import Annotated

import typer

from iolaus import __version__
from iolaus.cli.audit import appeal, audit
from iolaus.cli.convert import app as convert
from iolaus.cli.detect import detect, score
from iolaus.cli.distill import distill
from iolaus.cli.ending import run
from iolaus.cli.enforce import app as enforce
from iolaus.cli.explain import explain
from iolaus.cli.policy import app as policy
from iolaus.cli.prove import app as prove
from iolaus.cli.race import race
from iolaus.cli.simulate import simulate
from iolaus.cli.watch import watch

__all__ = ["app", "main"]

app = typer.Typer(
    name="iolaus",
    help="Find model-distillation campaigns in the exchange log of a language-model API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(detect)
app.command()(simulate)
app.command()(watch)
app.command()(race)
app.command()(score)
app.command()(explain)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(distill)
app.add_typer(policy, name="policy")
app.add_typer(audit, name="audit")
app.add_typer(appeal, name="appeal")
app.add_typer(enforce, name="enforce")
app.add_typer(convert, name="convert")
app.add_typer(prove, name="prove")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"iolaus {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Find model-distillation campaigns in the exchange log of a language-model API."""


def main() -> None:
    """Run the command line; errors that a user can mend are one line and exit status 2."""
    sys.exit(run(app))
