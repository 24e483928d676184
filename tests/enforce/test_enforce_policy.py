"""A policy is checked word by word, and what it says about an account is a pure function."""

import json

import jsonschema
import pytest
from enforce_cases import policy, subject
from hypothesis import given
from hypothesis import strategies as st

from iolaus.enforce.judge import Lifted, judge
from iolaus.enforce.policy import Policy, load_policy, policy_schema
from iolaus.enforce.snapshot import Treatment
from iolaus.errors import InputError

EXAMPLE = """
schema: iolaus.policy/1
enforce: true
rules:
  - name: verify
    action: challenge
    status: 402
    url: https://example.com/verify?a=1
    when: {q_value_at_most: 0.001, standing: [new, unknown]}
  - {name: slow, action: throttle, requests_per_minute: 3}
delay: {least: 30m, most: 12h}
expiry: 7d
"""


def write(tmp_path, text):
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_policy_is_read_with_its_durations_and_treatments(tmp_path):
    found = load_policy(write(tmp_path, EXAMPLE))
    assert (found.delay.least, found.delay.most, found.expiry) == (1800, 43_200, 604_800)
    assert found.rules[0].treatment() == Treatment("challenge", status=402, url="https://example.com/verify?a=1")
    assert found.rules[1].treatment() == Treatment("throttle", 3.0, 1)


def test_a_restriction_reads_as_the_server_is_told(tmp_path):
    text = (
        "schema: iolaus.policy/1\nrules:\n"
        "  - {name: both, action: restrict, reasoning: summarise, top_logprobs: 0}\n"
        "  - {name: one, action: restrict, top_logprobs: 5}\n"
    )
    both, one = load_policy(write(tmp_path, text)).rules
    assert both.treatment() == Treatment("restrict", withheld="reasoning=summarise; top_logprobs=0")
    assert one.treatment().withheld == "top_logprobs=5"


def test_the_published_schema_is_the_model_s_and_accepts_the_example(tmp_path):
    import yaml

    made = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Policy.model_json_schema(by_alias=True)
    assert policy_schema() == made | {"title": "Iolaus policy.yaml, version 1"}
    jsonschema.Draft202012Validator.check_schema(policy_schema())
    jsonschema.validate(yaml.safe_load(EXAMPLE), policy_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(EXAMPLE) | {"expiry": "soon"}, policy_schema())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("schema: iolaus.policy/2", "schema"),
        ("schema: iolaus.policy/1\nenforced: true", "enforced"),
        ("schema: iolaus.policy/1\nexpiry: 14", "expiry"),
        ("schema: iolaus.policy/1\ndelay: {least: 2h, most: 1h}", "least must not be longer"),
        ("schema: iolaus.policy/1\nrules: [{name: a, action: challenge}]", "a challenge needs a url"),
        ("schema: iolaus.policy/1\nrules: [{name: a, action: block, burst: 2}]", "belong to a throttle"),
        ("schema: iolaus.policy/1\nrules: [{name: a, action: ban}]", "rules.0.action"),
        ("schema: iolaus.policy/1\nrules: [{name: a, action: restrict}]", "needs reasoning or top_logprobs"),
        (
            "schema: iolaus.policy/1\nrules: [{name: a, action: block, top_logprobs: 2}]",
            "a restrict rule, and no other",
        ),
        ('schema: iolaus.policy/1\nrules: [{name: a, action: challenge, url: "https://x/\\r\\nset-cookie: a"}]', "url"),
        ("schema: iolaus.policy/1\nrules: [{name: a, action: challenge, url: 'javascript:alert(1)'}]", "url"),
        ("schema: iolaus.policy/1\nrules: [{name: a, action: block}, {name: a, action: allow}]", "same name"),
        ("schema: iolaus.policy/1\ntwo_persons: {approvers: {ann: " + "a" * 64 + "}}", "at least two approvers"),
        ("{", "not YAML"),
        ("- 1", "the whole file"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path, text, named):
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_policy(path)
    assert named in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_the_first_rule_that_fits_decides():
    assert judge(subject(), policy()).rule.name == "block"
    assert judge(subject(share=0.6), policy()).rule.name == "verify"
    assert judge(subject(q_value=0.01), policy()).rule.name == "slow"
    assert judge(subject(q_value=0.2), policy()).rule is None
    assert judge(subject(verdict="coordinated_open"), policy()).rule is None
    assert judge(subject(standing="trusted"), policy()).rule is None


def test_what_is_not_known_never_speaks_against_an_account():
    assert judge(subject(share=None), policy()).rule is None
    assert judge(subject(attributed=None), policy()).rule is None
    assert judge(subject(attributed=5), policy()).rule is None


def test_allow_lists_come_before_all_rules():
    assert judge(subject(), policy(allow={"accounts": ["a"]})).why == "allow list"
    assert judge(subject(org_id="o"), policy(allow={"organisations": ["o"]})).why == "allow list"
    assert judge(subject(org_id=None), policy(allow={"organisations": ["o"]})).rule.name == "block"


def test_two_persons_hold_a_block_and_let_the_next_rule_decide():
    persons = {"approvers": {"ann": "a" * 64, "bob": "b" * 64}}
    waiting = judge(subject(), policy(two_persons=persons))
    assert (waiting.rule.name, waiting.pending.name) == ("verify", "block")
    approved = judge(subject(), policy(two_persons=persons), approved=frozenset({"block"}))
    assert (approved.rule.name, approved.pending) == ("block", None)


def test_a_lifted_account_needs_enough_new_evidence():
    lifted = Lifted(frozenset({"evidence-a"}), until=100)
    assert judge(subject(attributed_after=999), policy(), lifted=lifted).why == "lifted on appeal"
    later = {"evidence": "other", "seen_until": 200}
    assert judge(subject(**later, attributed_after=None), policy(), lifted=lifted).why == "lifted on appeal"
    assert judge(subject(**later, attributed_after=49), policy(), lifted=lifted).why == "lifted on appeal"
    assert judge(subject(**later, attributed_after=50), policy(), lifted=lifted).rule.name == "block"
    assert judge(subject(evidence="other", seen_until=100, attributed_after=50), policy(), lifted=lifted).rule is None


@given(
    q=st.floats(1e-12, 1.0),
    share=st.none() | st.floats(0, 1),
    attributed=st.none() | st.integers(0, 10_000),
    verdict=st.sampled_from(["distillation_campaign", "coordinated_open", "coordinated_other", "inconclusive"]),
    standing=st.sampled_from(["unknown", "new", "ordinary", "trusted"]),
)
def test_weaker_evidence_never_gives_a_graver_rule(q, share, attributed, verdict, standing):
    """Rules are written from the gravest to the mildest; less evidence must not climb that list."""
    order = {rule.name: place for place, rule in enumerate(policy().rules)}
    known = {"share": share, "attributed": attributed, "verdict": verdict, "standing": standing}
    found = judge(subject(q_value=q, **known), policy()).rule
    weaker = judge(subject(q_value=min(1.0, q * 2), **known | {"share": share and share / 2}), policy()).rule
    rank = len(order) if found is None else order[found.name]
    assert (len(order) if weaker is None else order[weaker.name]) >= rank


def test_the_schema_command_prints_the_schema(capsys):
    from typer.testing import CliRunner

    from iolaus.cli import app

    assert json.loads(CliRunner().invoke(app, ["policy", "check", "--schema"]).stdout) == policy_schema()
