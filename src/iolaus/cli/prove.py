"""``iolaus prove``: keep twins, plan and run a test, verify a case."""

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from iolaus.cli.common import AsJson, console
from iolaus.cli.prove_marks import compare, radioactivity
from iolaus.errors import EvidenceError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from iolaus.lm import LanguageModel
    from iolaus.provenance import Vault, Verdict

__all__ = ["app"]

app = typer.Typer(help="Prove that a suspect model was trained on what was served.", no_args_is_help=True)

app.command()(radioactivity)
app.command()(compare)

KEY_VARIABLE = "IOLAUS_VAULT_KEY"
Folder = Annotated[Path, typer.Argument(help="Folder of the vault.")]


@app.command()
def plan(
    win_rate: Annotated[
        float, typer.Option("--win-rate", help="How often the suspect prefers the served one of two answers.")
    ] = 0.6,
    alpha: Annotated[float, typer.Option("--alpha", help="Chance of accusing an innocent model.")] = 1e-6,
    power: Annotated[float, typer.Option("--power", help="Chance of convicting this suspect.")] = 0.95,
    accounts: Annotated[int, typer.Option("--accounts", min=1, help="Accounts or suspects tested at once.")] = 1,
    pairs: Annotated[int | None, typer.Option("--pairs", help="Exchanges with twins that there are.")] = None,
    harvested: Annotated[
        int | None, typer.Option("--harvested", help="Exchanges that the suspect may have learnt from; with --rate.")
    ] = None,
    rate: Annotated[float, typer.Option("--rate", help="Share of the exchanges that get twins.")] = 0.01,
    budget: Annotated[int | None, typer.Option("--budget", help="Queries to the suspect that there are.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how many exchanges and queries a test needs, and whether a case can be decided."""
    from dataclasses import asdict

    from iolaus.provenance.ways import needs

    if pairs is None and harvested is not None:
        pairs = int(harvested * rate)
    found = needs(win_rate, alpha=alpha, power=power, accounts=accounts, at_hand=pairs, budget=budget)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    from rich.table import Table

    table = Table("access", "pairs", "queries", "can it be decided?", title=f"win rate {win_rate:g}, alpha {alpha:g}")
    for one in found:
        numbers = ["more than 400,000", "-"] if one.pairs is None else [f"{one.pairs:,}", f"{one.queries:,}"]
        table.add_row(str(one.way), *numbers, "yes" if one.decidable else "no")
    console().print(table)


@app.command()
def commit(
    folder: Folder,
    candidates: Annotated[
        Path, typer.Argument(help='JSON Lines: {"prompt", "candidates": [two or more fresh answers], "account"}.')
    ],
) -> None:
    """Seal fresh answers and print the one of each that the coin serves, as JSON Lines, in order.

    The vault's key is read from the environment variable IOLAUS_VAULT_KEY.
    """
    rows = []
    for number, line in enumerate(_text(candidates).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append((row["prompt"], row["candidates"], row.get("account", "")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{candidates}, line {number}: it needs a prompt and candidates") from error
        if not isinstance(row["candidates"], list):
            raise InputError(f"{candidates}, line {number}: candidates must be a list")
    for answer in _vault(folder).commit(rows):
        typer.echo(json.dumps({"answer": answer}, ensure_ascii=False))


@app.command()
def seal(folder: Folder) -> None:
    """Seal everything so far and print the root: publish it, and have it timestamped."""
    made = _vault(folder).seal()
    typer.echo(made.root)


@app.command()
def test(
    folder: Folder,
    suspect: Annotated[str, typer.Argument(help="Folder with open weights, or NAME@URL of an endpoint.")],
    out: Annotated[Path, typer.Option("--out", help="Case file; the page and verify.py are put beside it.")],
    reference: Annotated[
        list[str] | None, typer.Option("--reference", help="Teacher or proxy, as for the suspect; repeat it.")
    ] = None,
    base: Annotated[str | None, typer.Option("--base", help="The model that the suspect was made from.")] = None,
    alpha: Annotated[float, typer.Option("--alpha", help="Chance of accusing an innocent model.")] = 1e-6,
    budget: Annotated[int | None, typer.Option("--budget", help="Most queries to the suspect.")] = None,
    early: Annotated[bool, typer.Option("--early", help="Go batch by batch and stop as soon as possible.")] = False,
    root: Annotated[
        str | None, typer.Option("--root", help="Root of the seal to test, as it was published; else the newest.")
    ] = None,
    grade: Annotated[str, typer.Option("--grade", help="A: committed beforehand; B: twins drawn later.")] = "A",
    campaigns: Annotated[
        Path | None, typer.Option("--campaigns", help="accounts.parquet that detect wrote, to judge by campaign.")
    ] = None,
    signer: Annotated[Path | None, typer.Option("--signer", help="Ed25519 private key (PEM) to sign with.")] = None,
    redact: Annotated[bool, typer.Option("--redact", help="Show no prompt, answer or account name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Register a plan, ask the suspect, and write a signed case file.

    The vault's key is read from the environment variable IOLAUS_VAULT_KEY.
    """
    from iolaus.provenance import Suspect, prove

    if grade not in ("A", "B"):
        raise InputError(f"--grade must be A or B, not {grade!r}")
    chosen: Literal["A", "B"] = "A" if grade == "A" else "B"
    key = _signer(signer)
    verdict = prove(
        _vault(folder),
        Suspect(_language_model(suspect), None if base is None else _language_model(base)),
        references=[_language_model(one) for one in reference or []],
        alpha=alpha,
        budget=budget,
        decide="e_value" if early else "p_value",
        campaigns=_campaigns(campaigns),
        grade=chosen,
        root=root,
    )
    verdict.write(out, signer=key, redact=redact)
    if as_json:
        found = verdict.to_json()
        typer.echo(json.dumps({k: v for k, v in found.items() if not (redact and k == "by_account")}))
    else:
        _tell(verdict, out)


@app.command()
def late(
    folder: Folder,
    log: Annotated[str, typer.Argument(help="Exchange log: a file, folder or glob, with responses.")],
    teacher: Annotated[
        str, typer.Option("--teacher", help="The frozen weights that answered, or NAME@URL of an endpoint of them.")
    ],
    temperature: Annotated[
        float | None, typer.Option("--temperature", help="Of rows that do not say: the server's default.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Of rows that do not say: the server's default.")
    ] = None,
    most: Annotated[int | None, typer.Option("--most", min=1, help="Exchanges to draw for; else all.")] = None,
    campaigns: Annotated[
        Path | None, typer.Option("--campaigns", help="accounts.parquet that detect wrote: only campaigns' exchanges.")
    ] = None,
    never_served: Annotated[
        bool, typer.Option("--never-served", help="The log's responses were handed out to nobody: for the self-test.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw twins now for answers served before (grade B); then seal, and test with --grade B.

    The vault's key is read from the environment variable IOLAUS_VAULT_KEY.
    """
    from iolaus.provenance import draw_late_twins

    vault, told = _vault(folder), _campaigns(campaigns)
    wanted = (row for row in _logged(log) if campaigns is None or row["account_id"] in told)
    settled = ({"temperature": temperature, "max_tokens": max_tokens} | row for row in wanted)
    drawn = draw_late_twins(vault, settled, _sampler(_language_model(teacher)), never_served=never_served, most=most)
    if as_json:
        typer.echo(json.dumps({"sealed": drawn.sealed, "skipped": drawn.skipped}))
        return
    typer.echo(f"{drawn.sealed:,} exchanges got twins. Next: iolaus prove seal {folder}")
    for reason, count in sorted(drawn.skipped.items()):
        typer.echo(f"{count:,} did not: {reason}")


@app.command()
def verify(
    case: Annotated[Path, typer.Argument(help="The case file.")],
    root: Annotated[str | None, typer.Option("--root", help="The root as it was published, hexadecimal.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="The author's public key, hexadecimal.")] = None,
) -> None:
    """Verify a case file, as the program beside it does without us."""
    from iolaus.provenance.verify import Refuted, check_case

    try:
        found = check_case(json.loads(_text(case)), root, key)
    except Refuted as refuted:
        raise EvidenceError(f"{case} does not hold: {refuted}") from refuted
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise EvidenceError(f"{case} is damaged or no case file ({type(error).__name__}: {error})") from error
    typer.echo("\n  ".join(["HOLDS.", *found]))


def _tell(verdict: "Verdict", out: Path) -> None:
    terminal = console()
    overall = verdict.overall
    said = "It learnt from what was served." if verdict.accused else "Not shown."
    terminal.print(f"{said} p = {overall.p_value:.3g}, log e-value = {overall.log_e_value:.4g}", highlight=False)
    for sentence in verdict.cannot_conclude:
        terminal.print(sentence, style="dim", highlight=False)
    terminal.print(f"Case: {out}, page: {out.with_suffix('.html')}", highlight=False)


def _logged(log: str) -> "Iterator[dict[str, Any]]":
    """The log's rows as dictionaries, without what is null."""
    from iolaus.ingest import Rejects, read_exchanges

    with TemporaryDirectory(prefix="iolaus-") as work, Rejects(Path(work) / "rejects.jsonl") as rejects:
        for batch in read_exchanges(log, rejects):
            for row in batch.to_pylist():
                yield {"response": None} | {name: value for name, value in row.items() if value is not None}


def _sampler(teacher: "LanguageModel") -> "Callable[[Mapping[str, Any]], str]":
    """Draws a fresh answer at a row's settings."""
    from iolaus.lm import Sampling

    def sample(row: "Mapping[str, Any]") -> str:
        temperature, limit = row["temperature"], row["max_tokens"]
        if temperature is None or limit is None:
            name = "temperature" if temperature is None else "max_tokens"
            raise InputError(
                f"exchange {row['exchange_id']} does not say its {name}: give --{name.replace('_', '-')}, "
                "the default of the server that answered it"
            )
        return teacher.generate([row["prompt"]], Sampling(max_tokens=limit, temperature=temperature))[0].text

    return sample


def _vault(folder: Path) -> "Vault":
    from iolaus.provenance import Vault

    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        raise InputError(f"the vault's key is missing: set the environment variable {KEY_VARIABLE}")
    return Vault(folder, key=key.encode())


def _language_model(where: str) -> "LanguageModel":
    from iolaus.lm import Endpoint, LocalModel

    name, at, url = where.partition("@")
    if at and url.startswith(("http://", "https://")):
        found = Endpoint(url, name, style="completions")
        found.probe()
        return found
    return LocalModel.load(where)


def _campaigns(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.read_table(path, columns=["account_id", "campaign_id"]).to_pylist()
    except (OSError, KeyError, pa.ArrowException) as error:
        raise InputError(f"{path} is no accounts.parquet that detect wrote: {error}") from error
    return {row["account_id"]: row["campaign_id"] for row in rows if row["campaign_id"]}


def _signer(path: Path | None) -> "Ed25519PrivateKey | None":
    if path is None:
        sys.stderr.write("iolaus: no --signer: the case is signed with a fresh key, which does not name its author\n")
        return None
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise InputError("signing a case needs cryptography: pip install 'iolaus[prove]'") from error
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} is no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} is no Ed25519 key")
    return key


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
