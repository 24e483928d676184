"""The leak gate, and that it would notice a leak."""

import pyarrow.parquet as pq
import pytest

from iolaus.errors import InputError
from iolaus.simulate import simulate
from iolaus.simulate.leaks import GATE, leak_report

CAREFUL = ("L3", "L4", "L5", "L6")


def gate(folder, **files):
    """Levels 3 and up of the ladder alone, with six operators each: chance alone moves a smaller sample more."""
    simulate("ladder", folder, seed=1, exchanges=60_000, levels=(3, 4, 5, 6), operators_per_level=6, **files)
    return leak_report(folder)


def test_no_column_tells_careful_operators_from_customers(tmp_path):
    leaks = gate(tmp_path)
    assert {leak.level for leak in leaks} == set(CAREFUL)
    assert len(leaks) > 400
    assert [leak for leak in leaks if leak.auc >= GATE] == []


def test_no_column_tells_them_apart_in_real_text(tmp_path, real_text):
    assert [leak for leak in gate(tmp_path, **real_text) if leak.auc >= GATE] == []


def test_the_naive_level_leaks_as_it_should(ladder):
    worst = max(leak.auc for leak in leak_report(ladder.folder) if leak.level == "L0")
    assert worst > 0.9


def test_a_planted_leak_is_found(ladder, tmp_path):
    for name in ("accounts", "truth_accounts", "truth_exchanges"):
        (tmp_path / f"{name}.parquet").symlink_to(ladder.folder / f"{name}.parquet")
    (tmp_path / "scenario.json").symlink_to(ladder.folder / "scenario.json")
    operator_of = ladder.operator_of
    agents = [
        "curl/9" if operator_of[a] else u
        for a, u in zip(
            ladder.exchanges["account_id"].to_pylist(), ladder.exchanges["user_agent"].to_pylist(), strict=True
        )
    ]
    place = ladder.exchanges.schema.get_field_index("user_agent")
    planted = ladder.exchanges.set_column(place, "user_agent", [agents])
    pq.write_table(planted, tmp_path / "exchanges.parquet")
    found = {leak.column for leak in leak_report(tmp_path) if leak.level == "L4" and leak.auc > 0.95}
    assert "exchange.user_agent" in found


def test_a_folder_without_a_range_is_refused(tmp_path):
    with pytest.raises(InputError, match="no range that simulate wrote"):
        leak_report(tmp_path)
