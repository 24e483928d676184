"""A real LiteLLM proxy on loopback, from its own virtual environment, with this project's service and plug-in."""

import json
from contextlib import contextmanager
from hashlib import sha256
from typing import NamedTuple

import yaml
from gateway_doubles import (
    PLAIN,
    ROOT,
    TOKEN,
    free_port,
    publish,
    python,
    running,
)

from iolaus.enforce import Treatment

LITELLM = ROOT / ".venv-litellm" / "bin" / "litellm"
MASTER = "sk-master-for-tests"

# One proxy serves both ways: the guardrail and the plug-in read different snapshots, about different accounts.
AT_PLUGIN = {
    "plug-blocked": Treatment("block"),
    "plug-payer": Treatment("challenge", status=402, url="https://example.com/pay"),
    "plug-slow": Treatment("throttle", 6.0, 2),
    "plug-marked": Treatment("watermark"),
    sha256(b"sk-anon-plugged").hexdigest(): Treatment("block"),
}

# Keys look like sk-ACCOUNT; those that begin with sk-anon have nothing but themselves, so their hash is the account.
AUTH = """
from fastapi import HTTPException
from litellm.proxy._types import UserAPIKeyAuth

async def user_api_key_auth(request, api_key):
    name = api_key.removeprefix("sk-")
    if name.startswith("anon-"):
        return UserAPIKeyAuth(api_key=api_key)
    if not name.startswith(("acct-", "plug-")):
        raise HTTPException(401, "unknown key")
    return UserAPIKeyAuth(api_key=api_key, user_id=name, team_id="team-1", key_alias="alias-" + name)
"""


def config(upstream, service):
    """The proxy's config, as docs/gateways.md shows it."""
    return {
        "model_list": [
            {
                "model_name": "fake",
                "litellm_params": {
                    "model": "openai/fake",
                    "api_base": f"{upstream}/v1",
                    "api_key": "none",
                    "max_retries": 0,
                    "timeout": 5,
                },
            }
        ],
        "general_settings": {
            "custom_auth": "proxy_auth.user_api_key_auth",
            "use_x_forwarded_for": True,
        },
        "router_settings": {"disable_cooldowns": True, "num_retries": 0},
        "litellm_settings": {
            "callbacks": ["iolaus_logs", "iolaus.enforce.litellm_plugin.proxy_handler_instance"],
        },
        "callback_settings": {
            "iolaus_logs": {
                "callback_type": "generic_api",
                "endpoint": f"{service}/logs",
                "headers": {"Authorization": f"Bearer {TOKEN}"},
                "log_format": "ndjson",
                "max_retries": 5,
                "retry_delay": 1,
            }
        },
        "guardrails": [
            {
                "guardrail_name": "iolaus",
                "litellm_params": {
                    "guardrail": "generic_guardrail_api",
                    "mode": "pre_call",
                    "default_on": True,
                    "api_base": service,
                    "api_key": TOKEN,
                    "unreachable_fallback": "fail_open",
                },
            }
        ],
    }


class Started(NamedTuple):
    front: str
    services: tuple
    processes: tuple


@contextmanager
def proxy(place):
    """Upstream, a service for HTTP alone and one for the plug-in's logs, and the proxy.

    Yields their addresses, and the services' processes.
    """
    upstream, service, second, front = (f"http://127.0.0.1:{free_port()}" for _ in range(4))
    publish(place / "snapshot")
    publish(place / "plugin-snapshot", AT_PLUGIN)
    for name, snapshot in (("service", "snapshot"), ("plugin", "plugin-snapshot")):
        settings = {"schema": "iolaus.gateway/1", "snapshot": snapshot, "every_s": 0.05, "trusted_hops": 1}
        if name == "plugin":
            settings["logs_to"] = f"{second}/logs"
        (place / f"{name}.yaml").write_text(yaml.safe_dump(settings))
    (place / "proxy_auth.py").write_text(AUTH)
    (place / "config.yaml").write_text(json.dumps(config(upstream, service)))
    environment = {
        "IOLAUS_GATEWAY": str(place / "plugin.yaml"),
        "IOLAUS_SERVICE_TOKEN": TOKEN,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": MASTER,
        "LITELLM_TELEMETRY": "False",
        "DEFAULT_FLUSH_INTERVAL_SECONDS": "1",
    }
    command = [str(LITELLM), "--config", str(place / "config.yaml"), "--host", "127.0.0.1"]
    with (
        running(python(PLAIN, upstream.rsplit(":", 1)[1]), upstream),
        running(serve(place, service), f"{service}/healthz", environment=environment, log=place / "service.log") as a,
        running(serve(place, second, "plugin-logs"), f"{second}/healthz", environment=environment) as b,
        running([*command, "--port", front.rsplit(":", 1)[1]], f"{front}/health/liveliness",
                environment=environment, log=place / "litellm.log", seconds=180),
    ):  # fmt: skip
        yield Started(front, (service, second), (a, b))


def serve(place, address, logs="logs"):
    """The command that starts a service."""
    program = "from iolaus.cli import main; main()"
    settings = ["--settings", place / "service.yaml", "--logs", place / logs]
    return python(program, "enforce", "serve", *settings, "--port", address.rsplit(":", 1)[1])
