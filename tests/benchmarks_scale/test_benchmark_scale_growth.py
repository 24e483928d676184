"""Growth exponents, and how stages are told apart."""

import pytest
from benchmarks.scale.growth import exponent, growth
from benchmarks.scale.stages import Meter, Snapshot


def test_the_exponent_of_a_power_law_is_found():
    assert exponent([1e6, 4e6, 16e6], [3.0, 3.0 * 4**1.25, 3.0 * 16**1.25]) == 1.25
    assert exponent([1e6], [3.0]) is None
    assert exponent([1e6, 4e6], [0.0, 1.0]) is None


def result(rows, cpu_s, stages):
    took = {"wall_s": cpu_s, "cpu_s": cpu_s}
    return {"rows": rows, "simulate": took, "scan_floor": took, "detect": took, "stages": stages}


def test_growth_leaves_out_stages_that_are_mostly_starting_up():
    small = result(100, 1.0, {"reading": {"cpu_s": 1.0}, "starting": {"cpu_s": 0.1}})
    large = result(400, 4.0, {"reading": {"cpu_s": 2.0}, "starting": {"cpu_s": 0.1}})
    fitted = growth([small, large])
    assert fitted["detect_cpu_s"] == 1.0 and fitted["stage_cpu_s"] == {"reading": 0.5}


def test_what_follows_the_last_row_is_ordering():
    meter = Meter()
    meter.marks = [("starting", Snapshot(0.0, 0.0, 0, 0))]
    with meter:
        for rows in (10, 20):
            meter.listen("reading", rows)
        meter.listen("linking", 20)
        meter.listen("linking", 20)
        meter.listen("writing", 20)
    assert [stage for stage, _ in meter.marks] == ["starting", "reading", "ordering", "linking", "writing", ""]
    stages = meter.stages()
    assert list(stages) == ["starting", "reading", "ordering", "linking", "writing"] and meter.rows == 20
    assert all(took["wall_s"] >= 0 and took["read_mb"] >= 0 for took in stages.values())
    assert stages["starting"]["wall_s"] == pytest.approx(meter.marks[1][1].wall_s, abs=1e-3)
