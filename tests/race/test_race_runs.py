"""Races: the operator's habits, and whole runs."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from iolaus.cli import app
from iolaus.enforce.policy import Policy
from iolaus.errors import InputError, OutputError
from iolaus.race import Habits, RaceResult, race
from iolaus.race.operator import Operator
from iolaus.race.picture import write_picture
from iolaus.stream import StreamSettings

HOUR = 3_600_000_000


def operator(n=40, slots=2, **habits):
    return Operator(
        plan=np.arange(n),
        at=np.arange(n) * HOUR,
        slot=np.arange(n) % slots,
        names=[f"first{i}" for i in range(slots)],
        covers=np.array([1_000, 1_001]),
        habits=Habits(**habits),
        rng=np.random.default_rng(3),
    )


def test_an_operator_left_alone_asks_for_its_plan_in_order():
    one = operator()
    sent = one.due(100 * HOUR)
    assert [request.row for request, _ in sent] == list(range(40))
    assert {account for _, account in sent} == {"first0", "first1"}
    assert one.left == 0 and one.lost == 0 and not one.opened


def test_a_head_that_is_refused_is_given_up_and_its_work_asked_again():
    one = operator(slows=1.0, dilutes=0.0, returns_after=5.0)
    answered = set()
    for hour in range(0, 400):
        for request, account in one.due((hour + 1) * HOUR):
            if account == "first0":
                one.refused(request, account)
            else:
                assert account != "first0" and (account == "first1" or one.opened[account] <= request.at)
                answered.add(request.row)
    assert answered == set(range(40))
    assert one.lost == 1 and len(one.opened) == 1 and one.heads[0] in one.opened and one.heads[1] == "first1"


def test_it_changes_its_pool_goes_slower_and_mixes_in():
    one = operator(n=200, pool_after=1, rewords_after=1, slows=2.0, dilutes=2.0, notices_after=1)
    request, account = one.due(1)[0]
    left = one.left
    one.refused(request, account)
    assert one.pools == 1 and one.rewords and not set(one.heads) & {"first0", "first1"}
    assert one.left == left + 1
    sent = one.due(250 * HOUR)
    assert any(request.cover and request.row >= 1_000 for request, _ in sent)
    # What was to be asked within 200 hours takes twice as long.
    assert one.left > 50


def test_where_nobody_judges_everything_leaks():
    result = race(1, seed=3, exchanges=1_500, settings=StreamSettings(every=0))
    assert result.leaked == result.planned == result.leaked_unwatched > 100
    assert result.leaked_before is None and result.opened == 0 and result.refused == 0
    assert result.series[-1][1] == result.series[-1][2] == result.planned


def test_a_policy_that_blocks_stops_an_operator_and_nobody_else(tmp_path):
    arguments = ["race", "0", "--seed", "5", "--exchanges", "5000", "--every", "48", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "race.json").read_text())
    assert told["benign_touched"] == told["benign_refused"] == 0
    assert told["leaked"] <= told["planned"] == told["leaked_unwatched"]
    assert sum(told["leaked_a_head"]) == told["leaked"]
    if told["leaked_before"] is not None:
        assert told["leaked"] < told["planned"] and told["refused"] > 0 and told["opened"] > 0
    page = (tmp_path / "race.html").read_text()
    assert page.startswith("<!doctype html>") and page.count("<polyline") == 2 and "http" not in page


def test_a_policy_that_observes_touches_nobody():
    policy = Policy.model_validate({"schema": "iolaus.policy/1", "rules": [{"name": "r", "action": "block"}]})
    result = race(0, seed=5, exchanges=1_500, policy=policy, settings=StreamSettings(every=7 * 24 * HOUR))
    assert result.leaked == result.planned and result.benign_touched == 0 and result.refused == 0


def test_a_level_or_a_folder_that_cannot_be_used_is_said(tmp_path):
    with pytest.raises(InputError, match="level"):
        race(7)
    with pytest.raises(OutputError, match="cannot be written"):
        write_picture([RaceResult(2)], tmp_path / "nowhere" / "race.html")
