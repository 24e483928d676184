"""Operating points and measures against reckoning by hand, and cells that outlive a run."""

import json

import numpy as np
import pytest
from benchmarks.detection import cells as cells_room
from benchmarks.detection import publish as publish_room
from benchmarks.detection.cells import Cells, Place
from benchmarks.detection.measure import Labels, judge, suspicion
from benchmarks.detection.methods import METHODS
from benchmarks.detection.operating import threshold
from benchmarks.detection.ours import without_signal
from benchmarks.detection.ranges import make_range, truth_of
from benchmarks.detection.rivalry import losses
from benchmarks.detection.scenarios import row_of, scenarios
from benchmarks.detection.summary import summarise, upper_bound
from benchmarks.detection.tables import markdown

from iolaus.detect import verdicts
from iolaus.signals import SIGNALS

_DESIGN = {"level": 2, "rate": 2.0, "cover": 0.5}


def _truth() -> dict:
    """Accounts 0 to 3 are one operator's, 4 to 9 are benign; 8 and 9 belong to one organisation."""
    return {
        "ids": [f"a{i}" for i in range(10)],
        "operator": [0] * 4 + [-1] * 6,
        "kind": ["hydra"] * 4 + ["developer"] * 4 + ["enterprise"] * 2,
        "org": [-1] * 8 + [0, 0],
        "sent": [10] * 10,
        "harvested": [5, 5, 10, 10] + [0] * 6,
        "operators": [_DESIGN],
    }


def _group(score: float, *accounts: int, verdict: str | None = None) -> dict:
    return {"score": score, "accounts": list(accounts)} | ({"verdict": verdict} if verdict else {})


def test_measures_of_a_peer():
    labels = Labels(_truth(), "grid-l2")
    found = suspicion(labels, [_group(3.0, 0, 1, 4), _group(2.0, 2, 3), _group(9.0, 8, 9)])
    outcome = judge(labels, found, 2.5, None)
    assert outcome.false_share == pytest.approx(1 / 3)
    assert outcome.recall == {"L2, 2 a day, 50% cover": 0.5}
    # The enterprise's group is left out as openly one organisation's, though its score is the highest.
    assert outcome.kinds == {"developer": (4, 1), "enterprise": (2, 0)}
    assert outcome.mixed == (10, 20, 10) and outcome.harvest == (10, 30)
    assert (outcome.campaigns, outcome.false_campaigns) == (1, 0)


def test_no_threshold_flags_nothing():
    labels = Labels(_truth(), "grid-l2")
    outcome = judge(labels, suspicion(labels, [_group(3.0, 0, 1, 2)]), None, None)
    assert outcome.recall == {"L2, 2 a day, 50% cover": 0.0} and outcome.false_share == 0.0


def test_only_convictions_of_iolaus_count_and_its_attribution_is_its_own():
    labels = Labels(_truth(), "ladder")
    groups = [
        _group(0.9, 0, 1, 2, verdict="distillation_campaign"),
        _group(0.8, 8, 9, verdict="coordinated_open"),
    ]
    outcome = judge(labels, suspicion(labels, groups), -np.inf, [[0, 5, 1], [1, 4, 0], [2, 10, 0]])
    assert outcome.recall == {"L2": 0.75} and outcome.joined == {"L2": 1.0}
    assert outcome.other_verdicts == 2 and outcome.kinds["enterprise"] == (2, 0)
    assert outcome.mixed == (9, 10, 10) and outcome.harvest == (19, 30)


def test_the_operating_point_has_the_most_recall_at_the_rate():
    labels = Labels(_truth(), "grid-l2")
    clean = suspicion(labels, [_group(5.0, 0), _group(4.0, 1), _group(3.0, 4), _group(2.0, 2), _group(1.0, 3)])
    assert threshold([(labels, clean)]) == 4.0
    hopeless = suspicion(labels, [_group(5.0, 4), _group(4.0, 1)])
    assert threshold([(labels, hopeless)]) is None
    assert threshold([(labels, suspicion(labels, []))]) is None


def test_upper_bound_is_the_exact_one():
    # Nothing in n: 1 - 0.025^(1/n).
    assert upper_bound(0, 100) == pytest.approx(1 - 0.025 ** (1 / 100))


def test_taking_a_signal_away_lasts_as_long_as_it_should():
    with without_signal("queue"):
        assert {s.name for s in SIGNALS} - {s.name for s in verdicts.SIGNALS} == {"queue"}
    assert verdicts.SIGNALS is SIGNALS
    with pytest.raises(ValueError, match="no signal"), without_signal("nothing"):
        pass


def test_the_grid_crosses_rates_and_covers(tmp_path):
    make_range("grid-l4", 5, 6_000, tmp_path)
    truth = truth_of(tmp_path)
    rows = {row_of("grid-l4", o) for o in truth["operators"]}
    grid = scenarios()["grid-l4"]
    assert len(rows) == len(set(grid.rates)) * len(set(grid.covers))
    assert truth["ids"] == sorted(truth["ids"]) and sum(truth["sent"]) == 6_000
    assert all(h <= s for h, s in zip(truth["harvested"], truth["sent"], strict=True))
    assert all((o >= 0) == (k == "hydra") for o, k in zip(truth["operator"], truth["kind"], strict=True))


def _kept(folder, code: str) -> Cells:
    return Cells(folder, 1000, dict.fromkeys(METHODS, code) | {"truth": "range"})


def test_cells_outlive_a_run_and_go_stale_with_their_code(tmp_path):
    place = Place("ladder", 1)
    cells = _kept(tmp_path, "one")
    cells.keep(place, "truth", _truth())
    cells.keep(place, "volume", {"groups": [_group(3.0, 0)], "attributed": None, "cpu_s": 1.0})
    assert _kept(tmp_path, "one").answer(place, "volume")["groups"] == [_group(3.0, 0)]
    assert _kept(tmp_path, "two").answer(place, "volume") is None
    assert cells_room.Cells(tmp_path, 1000, {"truth": "other"}).truth(place) is None


def test_results_from_cells(tmp_path):
    cells = _kept(tmp_path, "one")
    for seed in (1, 2, 8, 9):
        place = Place("ladder", seed)
        cells.keep(place, "truth", _truth())
        peer = [_group(3.0, 0, 1, 2), _group(1.0, 4)]
        cells.keep(place, "volume", {"groups": peer, "attributed": None, "cpu_s": 1.0})
        ours = [_group(0.9, 0, 1, verdict="distillation_campaign")]
        cells.keep(place, "iolaus", {"groups": ours, "attributed": [[0, 5, 0]], "cpu_s": 2.0})
    results = summarise(cells, ["ladder"], (1, 2), (8, 9))
    assert results.thresholds["ladder"]["volume"] == 3.0 and results.thresholds["ladder"]["fraudar"] is None
    (loss,) = losses(results)
    assert (loss.method, loss.theirs, loss.ours, loss.difference.mean) == ("volume", 0.75, 0.5, -0.25)
    json.dumps(results.to_json())
    text = markdown(results, "setting")
    assert "| ladder | L2 | 0.50 | volume threshold | 0.75 | 0.000 | -0.25 (-0.25 to -0.25) |" in text


def test_publishing_keeps_the_words_of_the_page(tmp_path, monkeypatch):
    page = tmp_path / "benchmark.md"
    own = publish_room._PAGE.read_text(encoding="utf-8")
    page.write_text(own, encoding="utf-8")
    monkeypatch.setattr(publish_room, "_PAGE", page)
    monkeypatch.setattr(publish_room.record, "write", lambda name, document, folder: tmp_path / name)
    for table in ("first table", "second table"):
        publish_room.publish({}, table, None)
    text = page.read_text(encoding="utf-8")
    assert "second table" in text and "first table" not in text
    assert text.startswith(own.partition(publish_room._BEGIN)[0]) and text.endswith(own.partition(publish_room._END)[2])
