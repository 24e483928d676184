"""``iolaus prove radioactivity`` and ``compare``: marks in a suspect, and whom it resembles."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iolaus.cli.common import AsJson, Quiet, console, progress
from iolaus.errors import InputError, OutputError

if TYPE_CHECKING:
    from iolaus.provenance.radioactivity import Radioactivity, Trial

__all__ = ["compare", "radioactivity"]


def radioactivity(
    mark: Annotated[Path, typer.Option("--mark", help="JSON of the watermark's settings, as transformers writes it.")],
    suspect: Annotated[
        str | None, typer.Option("--suspect", help="Folder with open weights, or NAME@URL of an endpoint.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Folder of a model like it that saw no marked text.")
    ] = None,
    probes: Annotated[
        Path | None, typer.Option("--probes", help="Texts to probe it with: rows with prompt and response.")
    ] = None,
    marked: Annotated[bool, typer.Option("--marked", help="The probing texts carry the mark themselves.")] = False,
    answers: Annotated[
        Path | None, typer.Option("--answers", help="What the suspect wrote, where only that is seen.")
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option("--tokenizer", help="Folder of the marking teacher's tokenizer, where the suspect is no folder."),
    ] = None,
    vocabulary: Annotated[
        int | None, typer.Option("--vocabulary", help="Rows of the teacher's output; else the tokenizer's length.")
    ] = None,
    budget: Annotated[int, typer.Option("--budget", help="Most queries to an endpoint.")] = 2000,
    alpha: Annotated[float, typer.Option("--alpha", help="Accepted chance of accusing an innocent.")] = 1e-6,
    decoys: Annotated[int, typer.Option("--decoys", help="Random keys that the true one is ranked among.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random keys.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Write the finding as JSON.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Was a suspect trained on text that carries our watermark?"""
    from iolaus.provenance.radioactivity import Trial

    if not 0 < alpha < 1 or decoys < 0:
        raise InputError(f"--alpha must lie between 0 and 1 and --decoys be no less than 0, not {alpha} and {decoys}")
    if (suspect is None) == (answers is None):
        raise InputError("give either --suspect with --probes, or --answers with --tokenizer")
    with progress(quiet or as_json) as listen:
        trial = Trial(alpha, decoys, seed, lambda done: listen("keys", done))
        if suspect is not None and "@http" in suspect:
            found = _of_endpoint(mark, suspect, reference, probes, marked, tokenizer, vocabulary, budget, trial)
        elif suspect is not None:
            found = _of_model(mark, Path(suspect), reference, probes, marked, vocabulary, trial)
        else:
            found = _of_text(mark, answers, tokenizer, vocabulary, trial)
    document = json.dumps(found.to_json(), ensure_ascii=False, indent=2)
    if out is not None:
        _write(out, document + "\n")
    if as_json:
        typer.echo(document)
    elif not quiet:
        terminal = console()
        terminal.print(found.sentence)
        terminal.print(f"{found.mark}; {found.windows:,} windows at {found.positions:,} places; z = {found.z:.2f}")
        for caveat in found.caveats:
            terminal.print(caveat, style="yellow")


def compare(
    outputs: Annotated[
        Path, typer.Argument(help="Answers of several models: Parquet or JSON Lines with model, prompt_id, output.")
    ],
    suspect: Annotated[str, typer.Option("--suspect", help="The suspect's name in the table.")],
    teacher: Annotated[list[str], typer.Option("--teacher", help="A candidate teacher; give two or more.")],
    out: Annotated[Path, typer.Option("--out", help="Write the page here.")],
    control: Annotated[
        list[str] | None, typer.Option("--control", help="A peer known to be innocent; else all other models.")
    ] = None,
    fdr: Annotated[float, typer.Option("--fdr", help="False-discovery rate over the teachers, in (0, 1).")] = 0.05,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the sign flips.")] = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Triage only, no proof: which teacher does a suspect resemble more than its peers do?"""
    from iolaus.provenance.comparison import compare as run
    from iolaus.provenance.comparison import read_outputs, render_comparison

    if not 0 < fdr < 1:
        raise InputError(f"--fdr must lie between 0 and 1, not {fdr}")
    table = read_outputs(outputs, suspect, teacher, control)
    with progress(quiet or as_json) as listen:
        found = run(table, len(teacher), fdr=fdr, seed=seed, progress=lambda done: listen("prompts", done))
    _write(out, render_comparison(found))
    if as_json:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    elif not quiet:
        terminal = console()
        terminal.print(found.sentence)
        for one in found.teachers:
            place = f"rank {one.rank} of {len(found.controls) + 1}, q = {one.q_value:.2g}"
            terminal.print(f"  {one.teacher}: score {one.score:+.3f}, {place}{', leans' if one.leans else ''}")
        terminal.print(f"Triage only. Page: {out}")


def _of_model(
    mark: Path,
    suspect: Path,
    reference: Path | None,
    probes: Path | None,
    marked: bool,
    vocabulary: int | None,
    trial: "Trial",
) -> "Radioactivity":
    from iolaus.lm import LocalModel
    from iolaus.provenance.radioactivity import radioactivity_of_model, read_mark

    if probes is None:
        raise InputError("--suspect needs --probes")
    texts, local = _pairs(probes), LocalModel.load(suspect)
    base = None if reference is None else LocalModel.load(reference)
    settings = read_mark(mark, vocabulary or local.network.config.vocab_size)
    return radioactivity_of_model(settings, local, texts, base, marked=marked, trial=trial)


def _of_endpoint(
    mark: Path,
    suspect: str,
    reference: Path | None,
    probes: Path | None,
    marked: bool,
    tokenizer: Path | None,
    vocabulary: int | None,
    budget: int,
    trial: "Trial",
) -> "Radioactivity":
    from iolaus.lm import Access, Budget, Endpoint, LocalModel, load_tokenizer
    from iolaus.provenance.radioactivity import radioactivity_of_told, read_mark

    if probes is None or tokenizer is None:
        raise InputError("an endpoint needs --probes and --tokenizer")
    name, _, url = suspect.partition("@")
    access = Access.TEXT | Access.TOP_K | Access.PREFILL
    endpoint = Endpoint(url, name, style="completions", access=access, budget=Budget(budget))
    reader = load_tokenizer(tokenizer)
    base = None if reference is None else LocalModel.load(reference)
    settings = read_mark(mark, vocabulary or len(reader))
    texts = _pairs(probes)
    return radioactivity_of_told(settings, endpoint, reader, texts, base, queries=budget, marked=marked, trial=trial)


def _of_text(
    mark: Path, answers: Path | None, tokenizer: Path | None, vocabulary: int | None, trial: "Trial"
) -> "Radioactivity":
    from iolaus.lm import load_tokenizer
    from iolaus.provenance.radioactivity import radioactivity_of_text, read_mark

    if answers is None or tokenizer is None:
        raise InputError("--answers needs --tokenizer")
    texts, reader = _pairs(answers), load_tokenizer(tokenizer)
    settings = read_mark(mark, vocabulary or len(reader))
    return radioactivity_of_text(settings, reader, texts, trial=trial)


def _pairs(path: Path) -> list[tuple[str, str]]:
    from iolaus.provenance.texts import read_texts

    return [(row["prompt"], row["response"]) for row in read_texts(path, ["prompt"], ["response"])]


def _write(path: Path, text: str) -> None:
    """Written beside and renamed, so that nothing half-written is ever there."""
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}") from error
