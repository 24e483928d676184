"""Decisions: observed until switched on, capped, delayed, kept, withdrawn; all without reading anything."""

from collections import Counter

from enforce_cases import KEY, NOW, policy, subject
from hypothesis import given, settings
from hypothesis import strategies as st

from iolaus.enforce.plan import History, plan
from iolaus.enforce.snapshot import TOUCHING

DAY = 86_400


def after(made, **changes):
    """A history in which these decisions live."""
    history = History(**changes)
    for decision in (*made.made, *made.kept):
        history.live.setdefault(decision.account_id, []).append(decision)
    return history


def test_nothing_is_touched_until_the_policy_is_switched_on():
    made = plan([subject()], policy(enforce=False), History(), NOW, KEY)
    (decision,) = made.made
    assert (decision.action, decision.wanted, decision.why) == ("observe", "block", "observing")
    assert not decision.touching


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(1e-9, 1), st.floats(0, 1)), max_size=30), st.integers(0, 5), st.integers(0, 3))
def test_caps_hold_whatever_is_found(accounts, most, blocks):
    subjects = [subject(f"a{i}", q_value=q, share=share) for i, (q, share) in enumerate(accounts)]
    caps = {"accounts_per_day": most, "blocks_per_day": blocks}
    found = plan(subjects, policy(caps=caps), History(), NOW, KEY).made
    assert sum(d.touching for d in found) <= most
    assert sum(d.action == "block" for d in found) <= blocks
    assert all(d.wanted in TOUCHING for d in found if d.why == "cap")


def test_caps_count_who_was_touched_earlier_that_day_and_the_surest_come_first():
    caps = {"accounts_per_day": 2, "blocks_per_day": 2}
    history = History(touched={NOW // DAY: {"z"}})
    subjects = [subject("a", q_value=1e-5), subject("b", q_value=1e-9)]
    found = {d.account_id: d.why for d in plan(subjects, policy(caps=caps), history, NOW, KEY).made}
    assert found == {"b": "rule", "a": "cap"}
    tomorrow = plan(subjects, policy(caps=caps), history, NOW + DAY, KEY).made
    assert {d.why for d in tomorrow} == {"rule"}


def test_a_capped_account_is_touched_the_day_after():
    caps = {"accounts_per_day": 0}
    today = plan([subject()], policy(caps=caps), History(), NOW, KEY)
    assert today.made[0].why == "cap"
    again = plan([subject()], policy(caps=caps), after(today), NOW + 60, KEY)
    assert (again.made, len(again.kept)) == ((), 1)
    assert plan([subject()], policy(), after(today), NOW + DAY, KEY).made[0].action == "block"


def test_delays_are_secret_spread_and_the_same_again():
    rules = policy(delay={"least": "1h", "most": "10h"}, caps={"accounts_per_day": 10_000, "blocks_per_day": 10_000})
    subjects = [subject(f"a{i}") for i in range(2_000)]
    first = plan(subjects, rules, History(), NOW, KEY).made
    again = plan(subjects, rules, History(), NOW, KEY).made
    other = plan(subjects, rules, History(), NOW, b"x" * 32).made
    waits = [d.starts_at - NOW for d in first]
    assert waits == [d.starts_at - NOW for d in again] != [d.starts_at - NOW for d in other]
    assert min(waits) >= 3600 and max(waits) <= 36_000
    # Uniform over nine hours: each hour gets about 222 of 2,000, standard deviation 14.
    counts = Counter((wait - 3600) // 3600 for wait in waits if wait < 36_000)
    assert all(abs(counts[hour] - 222) < 5 * 14 for hour in range(9))
    assert len({d.decision_id for d in first}) == 2_000


def test_every_decision_ends():
    (decision,) = plan([subject()], policy(expiry="2d"), History(), NOW, KEY).made
    assert decision.ends_at == decision.starts_at + 2 * DAY


def test_a_new_run_starts_no_delay_anew():
    first = plan([subject()], policy(), History(), NOW, KEY)
    again = plan([subject(evidence="more", attributed=200)], policy(), after(first), NOW + 600, KEY)
    assert again.made == () and again.kept == first.made


def test_a_graver_decision_takes_over_when_its_delay_is_past():
    mild = plan([subject(q_value=0.01)], policy(), History(), NOW, KEY)
    grave = plan([subject()], policy(), after(mild), NOW + 600, KEY)
    assert (mild.made[0].action, grave.made[0].action, grave.kept) == ("throttle", "block", mild.made)
    back = plan([subject(q_value=0.01)], policy(), after(grave), NOW + 900, KEY)
    assert back.made == () and len(back.kept) == 2


def test_an_expired_decision_is_made_anew_without_a_gap():
    first = plan([subject()], policy(expiry="1d"), History(), NOW, KEY)
    end = first.made[0].ends_at
    soon = plan([subject()], policy(expiry="1d"), after(first), end + 60, KEY)
    assert soon.made[0].starts_at == end + 60
    late = plan([subject()], policy(expiry="1d"), after(first), end + 30 * DAY, KEY)
    assert late.made[0].starts_at > end + 30 * DAY


def test_switching_off_allowing_or_removing_a_rule_withdraws_at_once():
    first = after(plan([subject(org_id="o")], policy(), History(), NOW, KEY))
    for changed, why in (
        (policy(allow={"organisations": ["o"]}), "allow list"),
        (policy(enforce=False), "policy only observes"),
        (policy(allow={"accounts": ["a"]}), "allow list"),
        (policy(rules=[]), "rule no longer in the policy"),
    ):
        found = plan([], changed, first, NOW + 60, KEY)
        assert [reason for _, reason in found.withdrawn] == [why] and found.kept == ()


def test_two_different_persons_are_needed_and_approvals_lapse():
    rules = policy(two_persons={"approvers": {"ann": "a" * 64, "bob": "b" * 64}}, expiry="7d")

    def with_approvals(approvals, now=NOW):
        return plan([subject()], rules, History(approvals={("a", "block"): approvals}), now, KEY)

    assert with_approvals({}).made[0].action == "challenge"
    waiting = with_approvals({"ann": NOW, "mallory": NOW})
    assert waiting.made[0].action == "challenge" and waiting.pending[0].approved_by == ("ann",)
    assert with_approvals({"ann": NOW, "bob": NOW}).made[0].action == "block"
    assert with_approvals({"ann": NOW, "bob": NOW}, NOW + 8 * DAY).made[0].action == "challenge"


def test_lifted_accounts_are_counted_and_left_alone():
    from iolaus.enforce.judge import Lifted

    history = History(lifted={"a": Lifted(frozenset(), NOW)})
    found = plan([subject()], policy(), history, NOW, KEY)
    assert found.made == () and found.spared == {"lifted on appeal": 1}
