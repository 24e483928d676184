"""The plan's JSON Schema is published as it is."""

import json
from importlib.resources import files

import jsonschema

from iolaus.distill.plan import Plan


def test_published_schema_is_the_plan(small_plan):
    published = json.loads((files("iolaus") / "schemas" / "distill-plan.schema.json").read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(Plan.model_json_schema()))
    jsonschema.validate(small_plan, published)
