import json
from types import SimpleNamespace

import numpy as np
import pytest
from provenance_models import BigramModel

from iolaus.errors import AccessError, AnswerError, InputError
from iolaus.lm import Access
from iolaus.provenance import Scoring, Suspect, Vault, Way, draw_plan, prove, verify
from iolaus.provenance.judge import findings

KEY = b"0123456789abcdef-key"
TEACHER = BigramModel("teacher", 1)


def served_world(folder, count=400, twins=1):
    vault = Vault(folder, key=KEY)
    answers = [
        vault.serve(f"q{i}", TEACHER.sample, account=("thief", "honest", "other")[i % 3], twins=twins)
        for i in range(count)
    ]
    vault.seal()
    return vault, answers


@pytest.mark.parametrize("twins", [1, 3])
@pytest.mark.parametrize("decide", ["p_value", "e_value"])
def test_a_student_is_convicted_and_the_right_account_is_named(tmp_path, twins, decide):
    vault, answers = served_world(tmp_path, twins=twins)
    student = BigramModel("student", 2, answers[0::3], nats=0.8)
    verdict = prove(
        vault, Suspect(student), references=[TEACHER, BigramModel("proxy", 9)], alpha=1e-6, decide=decide,
        campaigns={"thief": "C001", "other": "C001", "honest": "C002"},
    )  # fmt: skip
    assert verdict.accused and verdict.p_value <= 1e-6 and verdict.cannot_conclude == ()
    assert verdict.access == "text, echo"
    named = {name for name, finding in verdict.by_account.items() if finding.learnt_from}
    assert named <= {"thief"} and verdict.by_account["thief"].log_e_value > 8
    assert verdict.by_campaign["C001"].log_e_value > verdict.by_campaign["C002"].log_e_value
    if decide == "p_value":
        assert named == {"thief"}
        assert verdict.e_value > 1e6 and verdict.tried.queries == 400 * (twins + 1)


def test_a_model_of_the_teachers_other_answers_is_not(tmp_path):
    vault, _ = served_world(tmp_path)
    accused = []
    for seed in range(5):
        student = BigramModel("innocent", 100 + seed, [TEACHER.sample("q") for _ in range(400)], nats=0.8)
        accused.append(prove(vault, Suspect(student), references=[TEACHER], alpha=0.05).p_value)
    assert min(accused) > 0.05 / 5 / 20


def test_a_small_case_is_said_to_be_undecidable(tmp_path):
    vault, answers = served_world(tmp_path)
    student = BigramModel("student", 2, answers, nats=0.8)
    verdict = prove(vault, Suspect(student), references=[TEACHER], alpha=1e-6, budget=30)
    assert not verdict.accused and verdict.tried.queries == 30
    assert "15 exchanges cannot convict anybody at 1e-06" in verdict.cannot_conclude[0]
    weak = prove(vault, Suspect(BigramModel("weak", 3)), references=[TEACHER], alpha=1e-6)
    assert "with a chance of about" in weak.cannot_conclude[0] and "does not show" in weak.cannot_conclude[1]


def test_the_plan_stands_in_the_vault_before_the_suspect_is_asked(tmp_path):
    vault, _ = served_world(tmp_path, 40)
    seen = []

    class Watched(BigramModel):
        def score(self, pairs, *, top=0):
            seen.append(len(vault.plans()))
            return super().score(pairs, top=top)

    verdict = prove(vault, Suspect(Watched("watched", 4)), references=[TEACHER])
    assert seen and min(seen) == 1
    assert vault.plans()[0]["plan"]["suspect"] == "watched"
    assert verdict.registered.line >= verdict.plan.seal.size and verdict.registered.earlier == 0
    assert prove(vault, Suspect(Watched("watched", 4)), references=[TEACHER]).registered.earlier == 1


def test_equal_and_empty_answers_are_left_out_before_any_coin_is_seen(tmp_path):
    vault = Vault(tmp_path, key=KEY)
    vault.commit([("a", ["same", "same"], ""), ("b", ["one", ""], ""), ("c", ["one", "two", "three"], "")])
    vault.commit([(f"d{i}", [TEACHER.sample(""), TEACHER.sample("")], "") for i in range(5)])
    vault.seal()
    plan = draw_plan(vault, suspect="s", references=["teacher"], scoring=Scoring(Way.LIKELIHOOD))
    assert plan.eligible == tuple(range(4, 9)) and sorted(plan.chosen()) == list(plan.eligible)


def test_which_exchanges_are_tested_depends_on_the_root_alone(tmp_path):
    vault, _ = served_world(tmp_path, 60)
    plans = [
        draw_plan(vault, suspect=name, references=[], scoring=Scoring(Way.LIKELIHOOD), budget=40) for name in ("a", "b")
    ]
    assert plans[0].chosen() == plans[1].chosen() and len(plans[0].chosen()) == 20
    one = draw_plan(vault, suspect="a", references=[], scoring=Scoring(Way.TEXT), budget=40, accounts=["thief"])
    assert len(one.chosen()) == 10 and len(one.eligible) == 20


def test_a_reference_that_knows_the_coins_stops_the_verdict(tmp_path):
    vault, answers = served_world(tmp_path)
    student = BigramModel("student", 2, answers, nats=0.8)
    tainted = BigramModel("teacher that learns from its traffic", 1, answers, nats=0.8)
    verdict = prove(vault, Suspect(student), references=[tainted])
    assert not verdict.accused and "seems to know the coins" in verdict.cannot_conclude[0]
    assert not any(finding.learnt_from for finding in verdict.by_account.values())


def test_an_endpoint_that_lies_about_determinism_is_refused(tmp_path):
    vault, _ = served_world(tmp_path, 40)
    noisy = Suspect(BigramModel("noisy", 3, noise=0.5))
    with pytest.raises(AnswerError, match=r"noisy answered .* differently when asked again"):
        prove(vault, noisy, references=[TEACHER])
    assert not prove(vault, noisy, references=[TEACHER], steady=False).accused


def test_a_wrong_tokenizer_is_refused(tmp_path):
    vault, _ = served_world(tmp_path, 40)

    class Scrambled(BigramModel):
        def _logprobs(self, answer):
            return super()._logprobs(" ".join(sorted(answer.split())))

    with pytest.raises(AnswerError, match="tokenizer is probably not its own"):
        prove(vault, Suspect(Scrambled("scrambled", 3)), references=[TEACHER])


def test_numbers_that_are_none_and_answers_that_do_not_fit_are_handled(tmp_path):
    vault, _ = served_world(tmp_path, 60)

    class Broken(BigramModel):
        bad = "amber"

        def _logprobs(self, answer):
            return super()._logprobs(answer) * (np.nan if answer.startswith(self.bad) else 1)

    with pytest.raises(AnswerError, match=r"broken scores exchange \d+, candidate \d with nan"):
        prove(vault, Suspect(TEACHER), references=[Broken("broken", 3)])
    Broken.bad = ""
    with pytest.raises(AnswerError, match="broken scores an answer with a number that is none"):
        prove(vault, Suspect(Broken("broken", 3)), references=[TEACHER], steady=False)

    class Narrow(BigramModel):
        def score(self, pairs, *, top=0):
            from dataclasses import replace

            return [replace(s, truncated="amber" in p[1]) for s, p in zip(super().score(pairs), pairs, strict=True)]

    verdict = prove(vault, Suspect(Narrow("narrow", 3)), references=[TEACHER])
    assert verdict.tried.left_out and set(verdict.tried.left_out.values()) == {
        "an answer does not fit into the context window of narrow"
    }
    assert len(verdict.tried.exchanges) + len(verdict.tried.left_out) == 60
    early = prove(vault, Suspect(Narrow("narrow", 3)), references=[TEACHER], decide="e_value", batch=7)
    for number, one in enumerate((verdict, early)):
        found = verify.check_case(json.loads(one.write(tmp_path / f"{number}.json").read_text()))
        assert any("were left out, for reasons stated in the file" in sentence for sentence in found)


def test_missing_access_and_bad_requests_have_clear_errors(tmp_path):
    vault = Vault(tmp_path, key=KEY)
    with pytest.raises(InputError, match="was never sealed"):
        prove(vault, Suspect(TEACHER), references=[])
    vault.seal()
    with pytest.raises(InputError, match="no sealed exchange of grade A"):
        prove(vault, Suspect(TEACHER), references=[])
    vault.commit([("q", ["a b", "b a"], "")])
    vault.seal()
    for wrong, words in (
        ({"alpha": 2.0}, "alpha must lie"),
        ({"budget": 1}, "does not pay for one exchange"),
        ({"batch": 0}, "batch"),
    ):
        with pytest.raises(InputError, match=words):
            prove(vault, Suspect(TEACHER), references=[], **wrong)
    with pytest.raises(InputError, match="names must differ"):
        prove(vault, Suspect(TEACHER), references=[TEACHER, TEACHER])
    with pytest.raises(InputError, match="names must differ"):
        prove(vault, Suspect(TEACHER), references=[BigramModel("length", 1)])


@pytest.mark.parametrize(
    "way,access,nats",
    [
        (Way.WALK, Access.TEXT | Access.TOP_K | Access.PREFILL, 0.5),
        (Way.FIRST_TOKEN, Access.TEXT | Access.TOP_K, 0.5),
        (Way.PREFILL, Access.TEXT | Access.PREFILL, 0.9),
        (Way.TEXT, Access.TEXT, 0.9),
    ],
)
def test_every_access_has_a_way_that_sees_a_student_and_no_innocent(tmp_path, way, access, nats):
    vault, answers = served_world(tmp_path, 60)
    scoring = Scoring(way, steps=6, draws=60 if way is Way.TEXT else 2)
    level = 0.3 if way is Way.FIRST_TOKEN else 0.01  # one token of twelve equally likely ones tells little
    student = Suspect(BigramModel("student", 2, answers[:40], nats=nats, access=access))
    innocent = Suspect(BigramModel("innocent", 3, [TEACHER.sample("") for _ in range(40)], nats=nats, access=access))
    assert prove(vault, student, references=[TEACHER], alpha=0.01, scoring=scoring).p_value < level
    assert prove(vault, innocent, references=[TEACHER], alpha=0.01, scoring=scoring).p_value > 1e-3


def test_an_access_that_is_not_there_is_named(tmp_path):
    vault, _ = served_world(tmp_path, 40)

    class TextOnly(BigramModel):
        def score(self, pairs, *, top=0):
            raise AccessError(f"{self.name} does not give echo")

    silent = Suspect(TextOnly("silent", 3, access=Access.TEXT))
    with pytest.raises(AccessError, match="silent does not give echo"):
        prove(vault, silent, references=[TEACHER], scoring=Scoring(Way.LIKELIHOOD))


def test_a_test_rests_on_a_published_seal_and_never_on_another_tests(tmp_path):
    vault, _ = served_world(tmp_path, 60)
    first = vault.seals[0]
    prove(vault, Suspect(BigramModel("one", 5)), references=[TEACHER])
    vault.commit([("late", [TEACHER.sample(""), TEACHER.sample("")], "")])
    assert prove(vault, Suspect(BigramModel("two", 5)), references=[TEACHER]).plan.seal == first
    second = vault.seal()
    assert prove(vault, Suspect(BigramModel("three", 5)), references=[TEACHER]).plan.seal == second
    again = prove(vault, Suspect(BigramModel("four", 5)), references=[TEACHER], root=str(first))
    assert again.plan.seal == first and len(again.plan.eligible) == 60
    with pytest.raises(InputError, match="has no seal with the root beef"):
        prove(vault, Suspect(TEACHER), references=[], root="beef")


def test_one_thief_is_found_among_thousands_of_accounts():
    rng = np.random.default_rng(0)
    w = rng.integers(0, 11, 2_000 * 12 + 300)
    points, served = np.stack([w, -w], axis=1), rng.integers(0, 2, len(w))
    served[-300:] = rng.random(300) > 0.88
    accounts = [f"a{i // 12}" for i in range(2_000 * 12)] + ["thief"] * 300
    found = findings(points, served, accounts, SimpleNamespace(alpha=1e-6, decide="p_value"), lambda name: 0, (2_001,))
    # Twelve coins cannot convict at any level here, so the thief is tested as if alone.
    assert {one.level for one in found.values()} == {1e-6}
    assert [name for name, one in found.items() if one.learnt_from] == ["thief"] and len(found) == 2_001
    assert [name for name, one in found.items() if one.likely] == ["thief"]
