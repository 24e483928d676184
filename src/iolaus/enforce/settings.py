"""gateway.yaml: where a gateway finds its snapshot, and whose word it takes for an account."""

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from iolaus.enforce.gateway import App, Gateway
from iolaus.enforce.guard import Guard
from iolaus.enforce.identity import Identify, by_key, by_trusted_header, read_keys
from iolaus.enforce.watch import Watched
from iolaus.enforce.yaml_file import load_yaml
from iolaus.errors import InputError

__all__ = ["SETTINGS_VARIABLE", "TOKEN_VARIABLE", "ConfiguredGateway", "GatewaySettings", "load_settings"]

SETTINGS_VARIABLE: Final = "IOLAUS_GATEWAY"
TOKEN_VARIABLE: Final = "IOLAUS_SERVICE_TOKEN"


class GatewaySettings(BaseModel):
    """What a gateway needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Annotated[Literal["iolaus.gateway/1"], Field(alias="schema")]
    snapshot: Annotated[Path, Field(description="The published snapshot.")]
    fail: Annotated[Literal["open", "closed"], Field(description="While there is no good snapshot.")] = "open"
    every_s: Annotated[float, Field(gt=0, le=3600, description="Seconds between two looks at the files.")] = 1.0
    keys: Annotated[Path | None, Field(description="JSON: SHA-256 of each API key in hex to account id.")] = None
    account_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,64}$")] = ""
    trusted_proxies: Annotated[
        tuple[str, ...], Field(description="Addresses or networks that may set account_header.")
    ] = ()
    paths: tuple[str, ...] = ("/",)

    accounts: Annotated[
        tuple[Literal["user_id", "team_id", "org_id", "key_alias", "key_hash"], ...],
        Field(min_length=1, description="At LiteLLM: which of the key's properties is the account; the first it has."),
    ] = ("user_id", "team_id", "key_hash")
    logs_to: Annotated[
        str, Field(pattern=r"^(https?://\S+)?$", description="For the LiteLLM plug-in: the service's /logs.")
    ] = ""
    trusted_hops: Annotated[
        int, Field(ge=0, le=16, description="At LiteLLM: proxies of one's own before it, for addresses in its logs.")
    ] = 0

    def guard(self) -> Guard:
        """A guard over the snapshot."""
        return Guard(self.snapshot, fail=self.fail, every_s=self.every_s)

    def identify(self) -> Identify:
        """By the trusted header where there is one, else by the key.

        Raises:
            InputError: there is neither.
        """
        ways: list[Identify] = []
        if self.account_header and self.trusted_proxies:
            ways.append(by_trusted_header(self.account_header, self.trusted_proxies))
        if self.keys is not None:
            watched = Watched(self.keys, read_keys, self.every_s)

            def keys() -> dict[str, str] | None:
                if watched.idle:
                    watched.ensure()
                return watched.content

            ways.append(by_key(keys))
        if not ways:
            raise InputError("give keys, or account_header with trusted_proxies; else no account is ever known")
        if len(ways) == 1:
            return ways[0]
        first, second = ways
        return lambda scope: first(scope) or second(scope)


def load_settings(path: Path) -> GatewaySettings:
    """Read and check gateway.yaml; paths in it are taken from its own folder.

    Raises:
        InputError: the file cannot be read or says something that it may not say.
    """
    settings = load_yaml(path, GatewaySettings)
    base = path.parent
    keys = None if settings.keys is None else base / settings.keys
    return settings.model_copy(update={"snapshot": base / settings.snapshot, "keys": keys})


class ConfiguredGateway(Gateway):
    """The middleware for servers that take a class and no arguments (``vllm serve --middleware``).

    The file of its settings is named by the environment variable IOLAUS_GATEWAY.

    Args:
        app: the server.

    Raises:
        InputError: the variable is not set, or the file cannot be used.
    """

    def __init__(self, app: App) -> None:
        named = os.environ.get(SETTINGS_VARIABLE)
        if not named:
            raise InputError(f"{SETTINGS_VARIABLE} names no settings file for the gateway")
        settings = load_settings(Path(named))
        super().__init__(
            app,
            settings.guard(),
            settings.identify(),
            account_header=settings.account_header,
            paths=settings.paths,
        )
