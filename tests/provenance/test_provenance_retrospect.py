import pytest
from provenance_models import BigramModel

from iolaus.errors import InputError
from iolaus.provenance import LateDraw, Vault, draw_late_twins

KEY, TEACHER = b"0123456789abcdef-key", BigramModel("teacher", 1)


def row(number, **more):
    plain = {"exchange_id": f"e{number}", "account_id": "a", "prompt": f"q{number}", "response": TEACHER.sample("")}
    return plain | more


def test_logged_exchanges_get_fresh_twins_where_that_is_sound(tmp_path):
    vault = Vault(tmp_path, key=KEY)
    rows = [
        row(1),
        row(2, turn=1, temperature=0.7, status_code=200),
        row(3, turn=2),
        row(4, temperature=0.0),
        row(5, response=""),
        row(6, status_code=429),
    ]
    drawn = draw_late_twins(vault, rows, lambda r: TEACHER.sample(r["prompt"]), twins=2)
    assert drawn == LateDraw(2, {"not the first turn": 1, "temperature 0": 1, "no response": 1, "refused": 1})
    kept = list(vault.exchanges())
    assert [len(e.candidates) for e in kept] == [3, 3] and {e.grade for e in kept} == {"B"}
    served = vault.served([e.seq for e in kept])
    assert [e.candidates[s] for e, s in zip(kept, served, strict=True)] == [rows[0]["response"], rows[1]["response"]]


def test_answers_that_were_never_served_are_kept_apart(tmp_path):
    vault = Vault(tmp_path, key=KEY)
    draw_late_twins(vault, [row(1)], lambda r: "fresh", never_served=True)
    assert [e.never_served for e in vault.exchanges()] == [True]


def test_a_row_without_a_needed_column_is_named(tmp_path):
    with pytest.raises(InputError, match="exchange 1 lacks response"):
        draw_late_twins(Vault(tmp_path, key=KEY), [{"exchange_id": 1, "account_id": 1, "prompt": ""}], str)
