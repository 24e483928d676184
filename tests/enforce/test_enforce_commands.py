"""Commands around gateways: converting logs, adding keys, and staying light."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iolaus.cli import app
from iolaus.enforce import key_digest, read_keys
from iolaus.enforce.policy import load_policy
from iolaus.enforce.settings import load_settings
from iolaus.errors import InputError, IolausError

DOCS = Path(__file__).parents[2] / "docs"


def run(*words, given=None):
    result = CliRunner().invoke(app, list(words), input=given)
    if isinstance(result.exception, IolausError):
        return str(result.exception)
    assert result.exit_code == 0, f"{result.output}{result.exception}"
    return result.stdout


def test_keys_are_added_by_digest_and_never_written_plain(tmp_path):
    keys = tmp_path / "keys.json"
    run("enforce", "key", "ann", "--keys", str(keys), given="sk-secret-1\n")
    assert "knows 2 keys" in run("enforce", "key", "bob", "--keys", str(keys), given="sk-secret-2\n")
    assert read_keys(keys) == {key_digest("sk-secret-1"): "ann", key_digest("sk-secret-2"): "bob"}
    assert "secret" not in keys.read_text()
    assert "give the API key" in run("enforce", "key", "bob", "--keys", str(keys), given="\n")


@pytest.mark.parametrize("content", ["[]", "{", '{"short": "ann"}', '{"' + "a" * 64 + '": 1}'])
def test_a_key_file_that_is_something_else_is_refused(tmp_path, content):
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(InputError, match=r"keys\.json"):
        read_keys(tmp_path / "keys.json")


def test_litellm_logs_are_converted(tmp_path):
    payload = {
        "litellm_call_id": "c1",
        "call_type": "acompletion",
        "status": "success",
        "startTime": 1_790_000_000,
        "metadata": {"user_api_key_team_id": "team"},
        "messages": [{"role": "user", "content": "hello"}],
    }
    (tmp_path / "in.jsonl").write_text(json.dumps(payload) + "\n" + json.dumps(payload | {"call_type": "x"}) + "\n")
    words = ["convert", "litellm", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl")]
    assert json.loads(run(*words, "--json")) == {"written": 1, "not a text exchange": 1}
    assert "1 exchanges written" in run(*words)
    assert "not 'nobody'" in run(*words, "--account", "nobody")


def yaml_of(page):
    """The first YAML block of a page of the documentation."""
    return (DOCS / page).read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]


def test_the_documentation_s_examples_are_accepted(tmp_path):
    policy = re.sub(r"<SHA-256[^>]*>", lambda found: key_digest(found[0]), yaml_of("enforce.md"))
    (tmp_path / "policy.yaml").write_text(policy)
    assert [rule.action for rule in load_policy(tmp_path / "policy.yaml").rules] == ["block", "challenge", "throttle"]
    (tmp_path / "gateway.yaml").write_text(yaml_of("gateways.md"))
    assert load_settings(tmp_path / "gateway.yaml").trusted_hops == 1


def test_the_gateway_s_modules_load_nothing_heavy():
    """They run inside other people's servers: the standard library and what was asked for."""
    heavy = ("numpy", "pyarrow", "pydantic", "duckdb", "torch", "yaml", "scipy", "starlette")
    program = f"import sys; import iolaus.enforce; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
