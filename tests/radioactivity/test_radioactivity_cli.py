"""The command, from files to a finding."""

import json

import pytest
from radioactivity_words import SETTINGS, WORDS, marked_answers, word_model
from typer.testing import CliRunner

from iolaus.cli import app
from iolaus.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A mark, a model and its marked answers, as a user has them."""
    here, local = tmp_path_factory.mktemp("case"), word_model()
    SETTINGS["green"].to_json_file(here / "mark.json")
    local.network.save_pretrained(here / "model")
    local.tokenizer.save_pretrained(here / "model")
    rows = [{"prompt": p, "response": a} for p, a in marked_answers(local, SETTINGS["green"], count=30)]
    (here / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (here / "plain.jsonl").write_text("".join(json.dumps({"prompt": row["prompt"]}) + "\n" for row in rows))
    return here


def ran(*arguments):
    return CliRunner().invoke(app, ["prove", "radioactivity", *map(str, arguments)])


def test_text_of_a_suspect(folder):
    found = ran(
        *("--mark", folder / "mark.json", "--answers", folder / "answers.jsonl", "--tokenizer", folder / "model"),
        *("--vocabulary", len(WORDS), "--decoys", 50, "--out", folder / "deep" / "found.json"),
    )
    assert found.exit_code == 0, found.output
    assert "ranks 1 among itself and 50 random keys" in " ".join(found.output.split())
    told = json.loads((folder / "deep" / "found.json").read_text())
    assert told["radioactive"] and told["form"] == "text" and "7919" not in json.dumps(told)


def test_weights_of_a_suspect(folder):
    found = ran(
        *("--mark", folder / "mark.json", "--suspect", folder / "model", "--reference", folder / "model"),
        *("--probes", folder / "plain.jsonl", "--decoys", 20, "--json"),
    )
    assert found.exit_code == 0, found.output
    told = json.loads(found.output[found.output.index("{") :])
    assert told["p_value"] == 1.0 and told["statistic"] == 0.0 and not told["radioactive"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "either --suspect with --probes, or --answers"),
        (("--suspect", "x", "--answers", "y"), "either --suspect"),
        (("--suspect", "x"), "--suspect needs --probes"),
        (("--suspect", "x@http://127.0.0.1:9/v1", "--probes", "y"), "an endpoint needs --probes and --tokenizer"),
        (("--answers", "x"), "--answers needs --tokenizer"),
        (("--answers", "x", "--tokenizer", "y", "--alpha", "2"), "--alpha must lie"),
    ],
)
def test_arguments_that_do_not_fit(folder, arguments, words):
    found = ran("--mark", folder / "mark.json", *arguments)
    assert isinstance(found.exception, InputError) and words in str(found.exception)
