"""The documents say what is: their columns, scenarios, options, links and figures."""

import re
from pathlib import Path

import pytest
from cli_running import run

from iolaus.schema import ACCOUNTS, ACCOUNTS_OUT, EXCHANGES, EXCHANGES_OUT, TRUTH_ACCOUNTS, TRUTH_EXCHANGES, VERDICTS
from iolaus.simulate.negatives import NEGATIVES
from iolaus.simulate.scenario import SCENARIOS

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_contract_names_every_column_and_no_other():
    tables = (EXCHANGES, ACCOUNTS, ACCOUNTS_OUT, EXCHANGES_OUT, TRUTH_ACCOUNTS, TRUTH_EXCHANGES)
    quoted = set(re.findall(r"`([a-z_0-9]+)`", text("docs/contract.md")))
    assert {name for table in tables for name in table.names} <= quoted


def test_the_range_names_every_scenario_and_every_benign_kind():
    quoted = set(re.findall(r"`([a-z_0-9]+)`", text("docs/range.md")))
    assert set(NEGATIVES) <= quoted
    assert {name for name in SCENARIOS if not re.fullmatch("l[0-6]", name)} <= quoted


def test_the_quickstart_names_every_verdict_and_only_options_there_are():
    quickstart = text("docs/quickstart.md")
    assert all(f"`{verdict}`" in quickstart for verdict in VERDICTS)
    known = re.findall(r"--[a-z-]+", run("detect", "--help").fine() + run("simulate", "--help").fine())
    known += re.findall(r"--[a-z-]+", run("score", "--help").fine())
    assert set(re.findall(r"--[a-z-]+[a-z]", quickstart)) <= set(known)


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_the_readme_begins_with_the_two_commands():
    lines = text("README.md").splitlines()
    assert lines[3].startswith("make demo") and lines[4].startswith("make test")
