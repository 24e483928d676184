"""From findings to gateways and back by appeal, through the command line."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from enforce_cases import NOW, campaign, write_findings
from typer.testing import CliRunner

from iolaus.cli import app
from iolaus.enforce.audit import read_entries
from iolaus.enforce.findings import read_findings
from iolaus.enforce.identity import key_digest
from iolaus.enforce.snapshot import read_snapshot
from iolaus.errors import IolausError

POLICY = """
schema: iolaus.policy/1
enforce: true
rules:
  - {name: block, action: block, when: {traffic_share_at_least: 0.9}}
  - {name: slow, action: throttle, when: {traffic_share_at_least: 0.1}}
delay: {least: 0s, most: 0s}
new_evidence_at_least: 30
"""


@pytest.fixture
def place(tmp_path):
    """Two harvesters, one of them mixed, and a bystander."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    exchanges = [(f"h{i}", "hydra", NOW - 9000 + i, "C001") for i in range(50)]
    exchanges += [(f"m{i}", "mixed", NOW - 9000 + i, "C001" if i < 25 else None) for i in range(100)]
    exchanges += [(f"b{i}", "bystander", NOW - 9000 + i, None) for i in range(40)]
    write_findings(tmp_path / "found", [campaign("C001", ["hydra", "mixed"])], exchanges)
    return tmp_path


def run(place, *words, fails=False):
    result = CliRunner().invoke(app, [*words])
    if fails:
        assert isinstance(result.exception, IolausError), result.output
        return str(result.exception)
    assert result.exit_code == 0, f"{result.output}{result.exception}"
    return result.stdout


def publish(place, now=NOW, **more):
    words = ["--findings", f"{place}/found", "--policy", f"{place}/policy.yaml", "--audit", f"{place}/audit"]
    words += ["--snapshot", f"{place}/snapshot", "--log", f"{place}/found/log.jsonl", "--now", str(now), "--json"]
    return json.loads(run(place, "policy", "publish", *words, **more))


def actions(place, now=NOW):
    snapshot = read_snapshot(place / "snapshot")
    rows = {name: snapshot.find(name, now) for name in ("hydra", "mixed", "bystander")}
    return {name: row and row.treatment.action for name, row in rows.items()}


def decision_of(place, account):
    return read_snapshot(place / "snapshot").find(account, NOW).decision_id


def test_findings_become_decisions_at_the_gateway(place):
    told = publish(place)
    assert told["made"] == 2 and told["pending"] == []
    assert actions(place) == {"hydra": "block", "mixed": "throttle", "bystander": None}
    assert publish(place, NOW + 60)["kept"] == 2


def test_every_decision_at_the_gateway_is_in_the_log_with_its_evidence_and_snapshot(place):
    told = publish(place)
    shown = json.loads(run(place, "audit", "show", f"{place}/audit", decision_of(place, "hydra")))
    (entry,) = shown["entries"]
    assert (entry["account_id"], entry["snapshot_id"], entry["share"]) == ("hydra", told["snapshot_id"], 1.0)
    assert shown["cases"][entry["case"]]["evidence"][0]["statement"] == "They take turns."
    assert len(entry["exchange_ids"]) == 5
    assert "The log is whole" in run(place, "audit", "verify", f"{place}/audit", "--snapshot", f"{place}/snapshot")


def test_without_a_log_shares_are_unknown_and_nobody_is_touched(place):
    found = read_findings(place / "found")
    assert {s.share for s in found.subjects} == {None}
    words = ["--findings", f"{place}/found", "--policy", f"{place}/policy.yaml", "--audit", f"{place}/audit"]
    out = run(place, "policy", "publish", *words, "--snapshot", f"{place}/snapshot", "--now", str(NOW), "--json")
    assert json.loads(out)["spared"] == {"no rule": 2}


def test_a_backtest_shows_who_would_be_touched_and_touches_nobody(place):
    words = [f"{place}/found/log.jsonl", "--findings", f"{place}/found", "--policy", f"{place}/policy.yaml"]
    told = json.loads(run(place, "policy", "backtest", *words, "--json"))
    assert {(d["account_id"], d["action"]) for d in told["decisions"]} == {("hydra", "block"), ("mixed", "throttle")}
    by_action = {row["action"]: (row["exchanges"], row["not_attributed"]) for row in told["by_action"]}
    assert by_action == {"block": (50, 0), "throttle": (100, 75)}
    assert "hydra" not in run(place, "policy", "backtest", *words, "--redact")
    assert "2 of the log's 3 accounts would be touched" in run(place, "policy", "backtest", *words)
    assert sorted(os.listdir(place)) == ["found", "policy.yaml"]


def test_a_lifted_account_is_free_at_once_and_not_flagged_again_on_the_same_evidence(place):
    publish(place)
    decision = decision_of(place, "hydra")
    told = ["--audit", f"{place}/audit", "--by", "ann", "--reason", "a school class"]
    assert "is open" in run(place, "appeal", "open", decision, *told)
    assert "was never" not in run(place, "appeal", "open", decision, *told, fails=True)
    assert "is lifted" in run(place, "appeal", "lift", decision, *told, "--snapshot", f"{place}/snapshot")
    assert actions(place)["hydra"] is None
    assert "it cannot be upheld" in run(place, "appeal", "uphold", decision, *told, fails=True)
    # The appeal carries the machine's own time, so the next publications come after it.
    later = int(time.time()) + 60
    assert publish(place, later)["spared"] == {"lifted on appeal": 1}
    assert actions(place, later)["hydra"] is None


def test_a_lifted_account_is_flagged_again_when_enough_new_evidence_has_come(place):
    publish(place)
    told = ["--audit", f"{place}/audit", "--by", "ann", "--reason", "benefit of the doubt"]
    run(place, "appeal", "lift", decision_of(place, "hydra"), *told)
    later = int(time.time()) + 60
    old = [(f"h{i}", "hydra", NOW - 9000 + i, "C001") for i in range(50)]

    def detected_again(new):
        fresh = [(f"n{i}", "hydra", NOW + i, "C001") for i in range(new)]
        write_findings(place / "found", [campaign("C001", ["hydra", "mixed"])], old + fresh, until=NOW + 9000)
        publish(place, later)
        return actions(place, later)["hydra"]

    assert detected_again(0) is None
    assert detected_again(29) is None
    assert detected_again(30) == "block"


def test_an_upheld_decision_stands(place):
    publish(place)
    decision = decision_of(place, "hydra")
    told = ["--audit", f"{place}/audit", "--by", "ann", "--reason", "they do harvest"]
    assert "was never opened" in run(place, "appeal", "uphold", decision, *told, fails=True)
    run(place, "appeal", "open", decision, *told)
    assert "is upheld" in run(place, "appeal", "uphold", decision, *told)
    assert actions(place)["hydra"] == "block"
    assert "there is no decision" in run(place, "appeal", "open", "ffff", *told, fails=True)


def test_a_block_waits_for_two_tokens(place, monkeypatch):
    tokens = {"ann": "ann's own long token", "bob": "bob's own long token"}
    persons = "\n".join(f"    {name}: '{key_digest(token)}'" for name, token in tokens.items())
    (place / "policy.yaml").write_text(f"{POLICY}two_persons:\n  approvers:\n{persons}\n")
    assert publish(place)["pending"] == [{"account_id": "hydra", "rule": "block", "approved_by": []}]
    assert actions(place)["hydra"] == "throttle"
    words = ["hydra", "block", "--policy", f"{place}/policy.yaml", "--audit", f"{place}/audit"]
    for token, mistake in (("", "not that of an approver"), ("guessed", "not that of an approver")):
        monkeypatch.setenv("IOLAUS_APPROVER_TOKEN", token)
        assert mistake in run(place, "policy", "approve", *words, fails=True)
    later = int(time.time()) + 60
    monkeypatch.setenv("IOLAUS_APPROVER_TOKEN", tokens["ann"])
    run(place, "policy", "approve", *words)
    run(place, "policy", "approve", *words)
    assert publish(place, later)["pending"][0]["approved_by"] == ["ann"]
    monkeypatch.setenv("IOLAUS_APPROVER_TOKEN", tokens["bob"])
    run(place, "policy", "approve", *words)
    assert publish(place, later)["pending"] == []
    assert actions(place, later)["hydra"] == "block"
    assert "waits for approval" in run(place, "policy", "approve", "mixed", *words[1:], fails=True)
    assert tokens["ann"] not in (place / "audit" / "audit.jsonl").read_text()


def test_a_clock_far_behind_the_log_is_refused(place):
    publish(place, int(time.time()) + 10 * 86_400)
    words = ["--findings", f"{place}/found", "--policy", f"{place}/policy.yaml", "--audit", f"{place}/audit"]
    words += ["--snapshot", f"{place}/snapshot"]
    assert "hours behind the log's last entry" in run(place, "policy", "publish", *words, fails=True)


def test_a_log_that_was_tampered_with_stops_publication(place):
    publish(place)
    path = place / "audit" / "audit.jsonl"
    path.write_text(path.read_text().replace('"action":"block"', '"action":"allow"', 1))
    words = ["--findings", f"{place}/found", "--policy", f"{place}/policy.yaml", "--audit", f"{place}/audit"]
    assert "its hash does not fit" in run(
        place, "policy", "publish", *words, "--snapshot", f"{place}/snapshot", fails=True
    )
    assert actions(place)["hydra"] == "block"


PUBLISHER = """
import sys, itertools
from pathlib import Path
from iolaus.enforce.findings import read_findings
from iolaus.enforce.policy import load_policy
from iolaus.enforce.publish import publish
place = Path(sys.argv[1])
rules = load_policy(place / "policy.yaml")
found = read_findings(place / "found", log=str(place / "found" / "log.jsonl"))
for now in itertools.count(int(sys.argv[2]), 40 * 86_400):
    publish(found, rules, place / "audit", place / "snapshot", now)
    print(now, flush=True)
"""


def test_a_publisher_killed_at_random_moments_never_publishes_what_is_not_in_the_log(place):
    """Each publication makes its decisions anew, for the old ones have expired by then."""
    draw, now = random.Random(3), NOW
    for _ in range(4):
        command = [sys.executable, "-c", PUBLISHER, str(place), str(now)]
        publisher = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert publisher.stdout.readline()
        time.sleep(draw.uniform(0.01, 0.15))
        publisher.send_signal(signal.SIGKILL)
        publisher.communicate()
        entries = list(read_entries(place / "audit" / "audit.jsonl"))
        known = {e.body["decision_id"] for e in entries if e.kind == "decision"}
        published = list(read_snapshot(place / "snapshot").rows())
        assert published and {row.decision_id for row in published} <= known
        now = entries[-1].at + 40 * 86_400
