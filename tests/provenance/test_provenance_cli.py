import importlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from provenance_models import BigramModel
from typer.testing import CliRunner

from iolaus.cli import app

# The package hands on the group of commands under the same name.
commands = importlib.import_module("iolaus.cli.prove")
TEACHER = BigramModel("teacher", 1)


def run(*arguments):
    return CliRunner().invoke(app, ["prove", *map(str, arguments)])


@pytest.fixture
def keyed(monkeypatch):
    monkeypatch.setenv("IOLAUS_VAULT_KEY", "a key that is long enough")


def test_from_fresh_answers_to_a_verified_case(tmp_path, monkeypatch, keyed):
    lines = [
        {"prompt": f"q{i}", "candidates": [TEACHER.sample(""), TEACHER.sample("")], "account": f"a{i % 2}"}
        for i in range(200)
    ]
    fresh = tmp_path / "fresh.jsonl"
    fresh.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = run("commit", tmp_path / "vault", fresh)
    answers = [json.loads(line)["answer"] for line in told.stdout.splitlines()]
    assert all(answer in line["candidates"] for answer, line in zip(answers, lines, strict=True))
    root = run("seal", tmp_path / "vault").stdout.strip()
    pq.write_table(pa.table({"account_id": ["a0", "a1"], "campaign_id": ["C001", None]}), tmp_path / "accounts.parquet")
    signer = Ed25519PrivateKey.generate()
    pem = signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "signer.pem").write_bytes(pem)
    known = {"student": BigramModel("student", 2, answers, nats=0.9), "teacher": TEACHER}
    monkeypatch.setattr(commands, "_language_model", known.__getitem__)
    found = run(
        "test", tmp_path / "vault", "student", "--reference", "teacher", "--out", tmp_path / "case.json", "--json",
        "--signer", tmp_path / "signer.pem", "--campaigns", tmp_path / "accounts.parquet",
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    verdict = json.loads(found.stdout)
    assert verdict["accused"] and set(verdict["by_campaign"]) == {"C001"}
    key = signer.public_key().public_bytes_raw().hex()
    checked = run("verify", tmp_path / "case.json", "--root", root, "--key", key)
    assert checked.exit_code == 0 and checked.stdout.startswith("HOLDS.")
    case = json.loads((tmp_path / "case.json").read_text())
    case["result"]["total"] += 1
    (tmp_path / "case.json").write_text(json.dumps(case))
    refuted = run("verify", tmp_path / "case.json")
    assert "does not hold: the signature does not fit the file" in str(refuted.exception)


def test_planning_says_how_many_and_whether(tmp_path):
    found = json.loads(run("plan", "--win-rate", "0.7", "--pairs", "300", "--budget", "600", "--json").stdout)
    assert {one["pairs"] for one in found} == {250}
    assert {one["way"]: one["decidable"] for one in found} == {
        "likelihood": True, "walk": False, "first token": True, "prefill": False, "text": False,
    }  # fmt: skip
    campaign = json.loads(run("plan", "--win-rate", "0.7", "--harvested", "24000", "--rate", "0.01", "--json").stdout)
    assert not any(one["decidable"] for one in campaign)
    assert "more than 400,000" in run("plan", "--win-rate", "0.5").stdout.replace("\n", " ")
    many = json.loads(run("plan", "--win-rate", "0.7", "--accounts", "24000", "--json").stdout)
    assert 250 < many[0]["pairs"] < 1.7 * 250


@pytest.mark.parametrize(
    "arguments,words",
    [
        (("seal", "vault"), "set the environment variable IOLAUS_VAULT_KEY"),
        (("plan", "--win-rate", "2"), "win rate must lie between 0 and 1"),
        (("verify", "absent.json"), "absent.json cannot be read"),
        (("test", "vault", "x", "--out", "c.json", "--grade", "C"), "--grade must be A or B"),
        (("test", "vault", "x", "--out", "c.json", "--signer", "absent.pem"), "is no private key"),
        (("commit", "vault", "absent.jsonl"), "absent.jsonl cannot be read"),
    ],
)
def test_mistakes_get_one_clear_sentence(arguments, words, monkeypatch, tmp_path):
    monkeypatch.delenv("IOLAUS_VAULT_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    assert words in str(run(*arguments).exception)


def test_lines_that_are_no_candidates_are_named(tmp_path, keyed):
    for line in ("{", '{"prompt": "q"}', '{"prompt": "q", "candidates": "ab"}', "[]"):
        (tmp_path / "fresh.jsonl").write_text("\n" + line)
        assert "fresh.jsonl, line 2" in str(run("commit", tmp_path / "vault", tmp_path / "fresh.jsonl").exception)


def logged(path, count, kind, **more):
    """A log of first turns whose responses are the teacher's."""
    rows = [
        {"exchange_id": f"{kind}{i}", "timestamp": "2026-03-01T00:00:00Z", "account_id": f"a{i % 2}", "prompt": f"q{i}",
         "response": TEACHER.sample("")} | more
        for i in range(count)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [row["response"] for row in rows]


def test_grade_b_from_a_log_to_a_verdict(tmp_path, monkeypatch, keyed):
    served = logged(tmp_path / "served.jsonl", 240, "s", temperature=1.0, max_tokens=40)
    logged(tmp_path / "spare.jsonl", 240, "n", temperature=1.0)
    known = {"student": BigramModel("student", 2, served, nats=0.9), "teacher": TEACHER}
    monkeypatch.setattr(commands, "_language_model", known.__getitem__)
    vault, spare = tmp_path / "vault", tmp_path / "spare.jsonl"
    made = json.loads(run("late", vault, tmp_path / "served.jsonl", "--teacher", "teacher", "--json").stdout)
    assert made == {"sealed": 240, "skipped": {}}
    refused = run("late", vault, spare, "--teacher", "teacher", "--never-served")
    assert "exchange n" in str(refused.exception) and "--max-tokens" in str(refused.exception)
    told = run("late", vault, spare, "--teacher", "teacher", "--never-served", "--max-tokens", "40")
    assert "240 exchanges got twins" in told.stdout
    assert "240 did not: has twins already" in run("late", vault, spare, "--teacher", "teacher").stdout
    run("seal", vault)
    found = run(
        "test", vault, "student", "--reference", "teacher", "--grade", "B", "--out", tmp_path / "case.json", "--json"
    )
    verdict = json.loads(found.stdout.splitlines()[-1])
    assert verdict["accused"] and verdict["grade"] == "B"
    assert run("verify", tmp_path / "case.json").stdout.startswith("HOLDS.")


def test_twins_of_campaigns_alone(tmp_path, monkeypatch, keyed):
    logged(tmp_path / "served.jsonl", 40, "s", temperature=1.0, max_tokens=40)
    pq.write_table(pa.table({"account_id": ["a0", "a1"], "campaign_id": ["C001", None]}), tmp_path / "accounts.parquet")
    monkeypatch.setattr(commands, "_language_model", {"teacher": TEACHER}.__getitem__)
    made = run(
        "late", tmp_path / "vault", tmp_path / "served.jsonl", "--teacher", "teacher", "--most", "15", "--json",
        "--campaigns", tmp_path / "accounts.parquet",
    )  # fmt: skip
    assert json.loads(made.stdout) == {"sealed": 15, "skipped": {}}
