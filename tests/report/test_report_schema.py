import copy
import json

import pytest
from jsonschema import Draft202012Validator, ValidationError
from report_casebooks import calm, casebook

from iolaus.report import campaigns_schema
from iolaus.schema import CAMPAIGNS_SCHEMA, VERDICTS


def validate(document):
    schema = campaigns_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)


def test_what_a_run_writes_is_valid():
    validate(json.loads(json.dumps(casebook().detection.to_json())))
    validate(calm().detection.to_json())


def test_schema_names_what_the_contract_names():
    schema = campaigns_schema()
    assert schema["properties"]["schema"]["const"] == CAMPAIGNS_SCHEMA
    assert schema["$defs"]["campaign"]["properties"]["verdict"]["enum"] == list(VERDICTS)
    document = casebook().detection.to_json()
    assert schema["required"] == list(document)
    assert schema["$defs"]["campaign"]["required"] == list(document["campaigns"][0])
    assert schema["$defs"]["evidence"]["required"] == list(document["campaigns"][0]["evidence"][0])


def put(path, value):
    def change(document):
        *way, last = path
        for step in way:
            document = document[step]
        document[last] = value

    return change


def drop(path):
    def change(document):
        *way, last = path
        for step in way:
            document = document[step]
        del document[last]

    return change


C = ("campaigns", 0)


@pytest.mark.parametrize(
    "change",
    [
        put(("schema",), "iolaus.campaigns/2"),
        put(("extra",), 1),
        put(("exchanges",), -1),
        put(("exchanges",), 1.5),
        put(("until",), "yesterday"),
        put(("until",), "2026-03-01T00:00:00+01:00"),
        put(("signals_missing",), ["queue", "queue"]),
        put((*C, "verdict"), "guilty"),
        put((*C, "q_value"), 1.2),
        put((*C, "score"), None),
        put((*C, "accounts"), []),
        put((*C, "accounts"), ["a", "a"]),
        put((*C, "input_tokens"), -3),
        put((*C, "note"), "x"),
        put((*C, "axes", "luck"), {"score": 1, "p_value": 1}),
        put((*C, "axes", "coordination", "p_value"), 0),
        put((*C, "capabilities", "code"), 2),
        put((*C, "evidence", 0, "p_value"), "small"),
        put((*C, "evidence", 0, "prompt"), "text"),
        drop(("signals_missing",)),
        drop((*C, "q_value")),
        drop((*C, "axes", "extraction")),
        drop((*C, "evidence", 0, "account_ids")),
    ],
)
def test_broken_documents_are_refused(change):
    document = copy.deepcopy(casebook().detection.to_json())
    change(document)
    with pytest.raises(ValidationError):
        validate(document)


def test_each_call_gives_a_fresh_copy():
    campaigns_schema()["properties"].clear()
    assert campaigns_schema()["properties"]
