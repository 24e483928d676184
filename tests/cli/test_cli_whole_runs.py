"""A run leaves all of its files or none: what was there before stays whole."""

import duckdb
import pytest
from cli_running import FILES, checked, contents, detect, jsonl, rows


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_replaced_leaves_the_others_as_they_were(tmp_path, name):
    log = jsonl(tmp_path / "log.jsonl", rows(6))
    out = tmp_path / "out"
    detect(log, out).fine()
    (out / name).unlink()
    (out / name).mkdir()
    kept = [n for n in FILES if n != name]
    before = {n: (out / n).read_bytes() for n in kept}
    assert str(out) in detect(jsonl(tmp_path / "log.jsonl", rows(9)), out).refused()
    assert {n: (out / n).read_bytes() for n in kept} == before
    assert sorted(p.name for p in out.iterdir()) == sorted(FILES)


def test_debug_keeps_every_step_and_changes_nothing_else(tmp_path):
    log = jsonl(tmp_path / "log.jsonl", rows(40))
    detect(log, tmp_path / "plain").fine()
    for _ in range(2):
        detect(log, tmp_path / "debug", "--debug").fine()
    with duckdb.connect(str(tmp_path / "debug" / "steps.duckdb"), read_only=True) as kept:
        assert kept.execute("SELECT count(*) FROM encoded").fetchall() == [(40,)]
    (tmp_path / "debug" / "steps.duckdb").unlink()
    assert contents(tmp_path / "debug") == contents(tmp_path / "plain")
    checked(tmp_path / "plain")
