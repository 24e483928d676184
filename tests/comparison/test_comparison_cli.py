import json

from test_comparison_ranks import panel
from typer.testing import CliRunner

from iolaus.cli import app


def test_the_command_writes_a_page(tmp_path):
    outputs = panel(suspect_style=1, prompts=30)
    rows = [
        {"model": model, "prompt_id": prompt, "output": text}
        for prompt, answers in zip(outputs.prompts, outputs.answers, strict=True)
        for model, text in zip(outputs.models, answers, strict=True)
    ]
    (tmp_path / "outputs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    names = ["--suspect", "suspect", "--teacher", "one", "--teacher", "two", "--out", str(tmp_path / "page.html")]
    found = CliRunner().invoke(app, ["prove", "compare", str(tmp_path / "outputs.jsonl"), *names])
    assert found.exit_code == 0, found.output
    assert found.output.startswith("Triage only") and "Triage only. Page:" in found.output
    assert "Triage only" in (tmp_path / "page.html").read_text()
    told = CliRunner().invoke(app, ["prove", "compare", str(tmp_path / "outputs.jsonl"), *names, "--json"])
    assert json.loads(told.output)["teachers"][0]["teacher"] == "one"
