"""LiteLLM plug-in: what its guardrail over HTTP cannot do, 429 with Retry-After, and 402 or 403 in place of 400.

In the proxy's config: ``litellm_settings: callbacks: iolaus.enforce.litellm_plugin.proxy_handler_instance``; the
environment variable IOLAUS_GATEWAY names the settings file. Where that has ``logs_to``, every exchange is sent there
too, without the losses of LiteLLM's own ``generic_api`` (see `iolaus.enforce.sink`). Needs nothing of Iolaus's
dependencies but what LiteLLM brings (pydantic, PyYAML, FastAPI, httpx).
"""

import os
from pathlib import Path
from typing import Any, Final

from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger

from iolaus.enforce.gateway import RESTRICT_HEADER, WATERMARK_HEADER
from iolaus.enforce.guard import Guard
from iolaus.enforce.refusal import refusal_error
from iolaus.enforce.sender import LogSender
from iolaus.enforce.settings import SETTINGS_VARIABLE, TOKEN_VARIABLE, load_settings
from iolaus.errors import InputError

__all__ = ["IolausHook", "proxy_handler_instance"]

# Attributes of LiteLLM's UserAPIKeyAuth, by the name that the settings use.
_ATTRIBUTES: Final = {
    "user_id": "user_id",
    "team_id": "team_id",
    "org_id": "org_id",
    "key_alias": "key_alias",
    "key_hash": "api_key",
}


class IolausHook(CustomLogger):
    """Rules on every request before it is sent on, by the published snapshot.

    Args:
        guard: rules by the snapshot.
        accounts: which of the key's properties is the account; the first that the key has.
        sender: takes the logs, None where they go another way.
    """

    def __init__(self, guard: Guard, accounts: tuple[str, ...], sender: LogSender | None) -> None:
        super().__init__()
        self._sender = sender
        self._guard, self._attributes = guard, tuple(_ATTRIBUTES[name] for name in accounts)

    async def async_pre_call_hook(
        self, user_api_key_dict: object, cache: object, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        """Let a request pass, with what the server is to do with it in a header, or refuse it.

        Raises:
            HTTPException: 402, 403, 429 with Retry-After, or 503.
        """
        found = (getattr(user_api_key_dict, name, None) for name in self._attributes)
        account = next((value for value in found if isinstance(value, str) and value), None)
        ruling = self._guard.rule(account)
        if ruling.status:
            headers = {"retry-after": str(ruling.retry_after)} if ruling.retry_after else {}
            raise HTTPException(ruling.status, detail=refusal_error(ruling), headers=headers)
        if ruling.action == "watermark":
            mark = {WATERMARK_HEADER.decode(): ruling.decision_id}
            data["extra_headers"] = (data.get("extra_headers") or {}) | mark
        if ruling.action == "restrict":
            order = {RESTRICT_HEADER.decode(): ruling.withheld}
            data["extra_headers"] = (data.get("extra_headers") or {}) | order
        return data

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: object, start_time: object, end_time: object
    ) -> None:
        """Send an exchange's log."""
        self._log(kwargs)

    async def async_log_failure_event(
        self, kwargs: dict[str, Any], response_obj: object, start_time: object, end_time: object
    ) -> None:
        """Send a failed exchange's log."""
        self._log(kwargs)

    def _log(self, kwargs: dict[str, Any]) -> None:
        payload = kwargs.get("standard_logging_object")
        if self._sender is not None and isinstance(payload, dict):
            self._sender.add(payload)


def _configured() -> IolausHook:
    named = os.environ.get(SETTINGS_VARIABLE)
    if not named:
        raise InputError(f"{SETTINGS_VARIABLE} names no settings file for the plug-in")
    settings = load_settings(Path(named))
    token = os.environ.get(TOKEN_VARIABLE, "")
    sender = LogSender(settings.logs_to, token) if settings.logs_to else None
    return IolausHook(settings.guard(), settings.accounts, sender)


proxy_handler_instance = _configured()
