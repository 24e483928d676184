"""policy.yaml: what may be done to whom. The file is a user's own words, so every mistake in it is named."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from iolaus.enforce.snapshot import Treatment
from iolaus.enforce.yaml_file import load_yaml

__all__ = [
    "POLICY_SCHEMA",
    "Action",
    "Condition",
    "Policy",
    "Rule",
    "Standing",
    "TwoPersons",
    "load_policy",
    "policy_schema",
]

POLICY_SCHEMA: Final = "iolaus.policy/1"

Action = Literal["allow", "observe", "watermark", "restrict", "throttle", "challenge", "block"]
Verdict = Literal["distillation_campaign", "coordinated_open", "coordinated_other", "inconclusive"]
Standing = Literal["unknown", "new", "ordinary", "trusted"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = r"^[0-9]+[smhd]$"


def _seconds(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(_DURATION, value):
        return int(value[:-1]) * _UNITS[value[-1]]
    raise ValueError("wanted a whole number and a unit: s, m, h or d, such as 90m or 14d")


Duration = Annotated[
    int,
    BeforeValidator(_seconds),
    WithJsonSchema({"type": "string", "pattern": _DURATION, "description": "Such as 30s, 90m, 12h or 14d."}),
]
Url = Annotated[str, Field(pattern=r"^https?://[!-;=?-~]+$", max_length=2000)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Part):
    """When a rule fits an account; every line must hold."""

    verdict: tuple[Verdict, ...] = ("distillation_campaign",)
    q_value_at_most: Annotated[float, Field(gt=0, le=1)] = 0.01
    traffic_share_at_least: Annotated[
        Share, Field(description="Of the account's exchanges, those attributed to the campaign. 0 asks for none.")
    ] = 0.5
    attributed_at_least: Annotated[
        Count, Field(description="Exchanges of the account that are attributed to the campaign. 0 asks for none.")
    ] = 20
    standing: tuple[Standing, ...] = ("unknown", "new", "ordinary")


class Rule(_Part):
    """One rule; the first that fits an account decides."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    when: Condition = Condition()
    action: Action
    requests_per_minute: Annotated[float | None, Field(gt=0, le=60_000, description="For throttle.")] = None
    burst: Annotated[int | None, Field(ge=1, le=10_000, description="For throttle.")] = None
    status: Annotated[Literal[402, 403] | None, Field(description="For challenge.")] = None
    url: Annotated[Url | None, Field(description="For challenge: where the caller is told what to do.")] = None
    reasoning: Annotated[
        Literal["withhold", "summarise"] | None, Field(description="For restrict: what becomes of the reasoning.")
    ] = None
    top_logprobs: Annotated[
        int | None,
        Field(ge=0, le=20, description="For restrict: most alternatives a token; 0 for no log-probabilities."),
    ] = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.action == "challenge" and self.url is None:
            raise ValueError("a challenge needs a url")
        if self.action != "challenge" and (self.url is not None or self.status is not None):
            raise ValueError("url and status belong to a challenge")
        told = self.reasoning is not None or self.top_logprobs is not None
        if told != (self.action == "restrict"):
            raise ValueError("a restrict rule, and no other, needs reasoning or top_logprobs")
        if self.action != "throttle" and (self.requests_per_minute is not None or self.burst is not None):
            raise ValueError("requests_per_minute and burst belong to a throttle")
        return self

    def treatment(self) -> Treatment:
        """What the gateway does under this rule; a throttle keeps 6 requests a minute where nothing else is said."""
        if self.action == "throttle":
            return Treatment("throttle", self.requests_per_minute or 6.0, self.burst or 1)
        if self.action == "challenge":
            return Treatment("challenge", status=self.status or 403, url=self.url or "")
        if self.action == "restrict":
            named = {"reasoning": self.reasoning, "top_logprobs": self.top_logprobs}
            words = "; ".join(f"{name}={value}" for name, value in named.items() if value is not None)
            return Treatment("restrict", withheld=words)
        return Treatment(self.action)


class Delay(_Part):
    """An action begins at a random time between these after its decision, so that its cause cannot be probed."""

    least: Duration = Field(default="1h", validate_default=True)
    most: Duration = Field(default="24h", validate_default=True)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.least > self.most:
            raise ValueError("least must not be longer than most")
        return self


class Caps(_Part):
    """Most accounts that may be newly touched in a day (UTC); beyond it decisions are observed only."""

    accounts_per_day: Count = 100
    blocks_per_day: Count = 20


class Allow(_Part):
    """Who is never touched, whatever is found."""

    accounts: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()


class Standings(_Part):
    """How an account stands, from the account table; ``unknown`` is who is not in it."""

    new_within: Duration = Field(default="7d", validate_default=True)
    trusted_after: Duration = Field(default="365d", validate_default=True)
    trusted_plans: frozenset[str] = frozenset()


class TwoPersons(_Part):
    """Blocks wait until two of these have approved; until then the next rule that fits decides."""

    approvers: dict[
        Annotated[str, Field(pattern=r"^[\w.@-]{1,64}$")],
        Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the person's token, in hex.")],
    ]

    @model_validator(mode="after")
    def _two(self) -> Self:
        if len(self.approvers) < 2 or len(set(self.approvers.values())) < len(self.approvers):
            raise ValueError("two persons need at least two approvers with different tokens")
        return self


class Policy(_Part):
    """A whole policy."""

    schema_: Annotated[Literal["iolaus.policy/1"], Field(alias="schema")]
    enforce: Annotated[bool, Field(description="While false, every decision is observed and recorded only.")] = False
    rules: tuple[Rule, ...] = ()
    delay: Delay = Delay()
    expiry: Duration = Field(default="14d", validate_default=True, description="How long a decision holds once begun.")
    caps: Caps = Caps()
    allow: Allow = Allow()
    standing: Standings = Standings()
    two_persons: TwoPersons | None = None
    new_evidence_at_least: Annotated[
        int, Field(ge=1, description="New attributed exchanges that an account lifted on appeal must show.")
    ] = 50

    @model_validator(mode="after")
    def _sane(self) -> Self:
        names = [rule.name for rule in self.rules]
        if len(set(names)) < len(names):
            raise ValueError("two rules have the same name")
        if self.expiry < 60:
            raise ValueError("expiry must be at least a minute")
        return self


def load_policy(path: Path) -> Policy:
    """Read and check a policy.

    Raises:
        InputError: the file cannot be read, is not YAML, or says something that no policy may say; the text names
            the place.
    """
    return load_yaml(path, Policy)


def policy_schema() -> dict[str, Any]:
    """JSON Schema of policy.yaml as it is published with the package, a fresh copy with each call."""
    text = (files("iolaus") / "schemas" / "policy.schema.json").read_text(encoding="utf-8")
    return cast(dict[str, Any], json.loads(text))
