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


def test_rows_whose_model_saw_more_than_the_prompt_are_left_out(tmp_path):
    rows = [row(1, system="Be brief."), row(2, tool_count=2), row(3, history_digest="ab"), row(4, turn=1)]
    drawn = draw_late_twins(Vault(tmp_path, key=KEY), rows, lambda r: "fresh")
    assert drawn == LateDraw(1, {"system instructions": 1, "tools": 1, "not the first turn": 1})


def test_nobody_can_draw_until_he_likes_the_twins(tmp_path):
    vault = Vault(tmp_path, key=KEY)
    rows = [row(i) for i in range(250)]
    draw_late_twins(vault, rows[:120], lambda r: "fresh", most=30)
    assert len(vault.drawn_later()) == 30
    first = list(vault.exchanges())
    again = draw_late_twins(vault, rows, lambda r: "fresher")
    assert again == LateDraw(220, {"has twins already": 30})
    assert list(vault.exchanges())[:30] == first


def test_which_exchanges_are_drawn_for_does_not_depend_on_their_order(tmp_path):
    rows = [row(i) for i in range(60)]
    found = []
    for name, given in (("a", rows), ("b", rows[::-1])):
        vault = Vault(tmp_path / name, key=KEY)
        draw_late_twins(vault, given, lambda r: "fresh", most=7)
        found.append(vault.drawn_later())
    assert found[0] == found[1] and len(found[0]) == 7
