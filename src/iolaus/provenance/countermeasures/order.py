"""What a gateway orders a server to leave out of an account's answers, and doing so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from iolaus.errors import InputError
from iolaus.provenance.countermeasures.logprobs import restrict_logprobs, restrict_request
from iolaus.provenance.countermeasures.reasoning import summarise_reasoning, withhold_reasoning

__all__ = ["Restriction"]


@dataclass(frozen=True, slots=True)
class Restriction:
    """What is left out; by default nothing.

    Attributes:
        reasoning: ``withhold`` or ``summarise`` it, None for neither.
        top_logprobs: most alternatives a token, 0 for no log-probabilities at all, None for no limit.
    """

    reasoning: Literal["withhold", "summarise"] | None = None
    top_logprobs: int | None = None

    @classmethod
    def parse(cls, header: str) -> Self:
        """Read the header ``x-iolaus-restrict``, such as ``reasoning=withhold; top_logprobs=5``; empty for none.

        Raises:
            InputError: it says something else.
        """
        said = dict(part.strip().partition("=")[::2] for part in header.split(";") if part.strip())
        reasoning, top = said.pop("reasoning", None), said.pop("top_logprobs", None)
        if said or reasoning not in (None, "withhold", "summarise") or not (top is None or top.isdecimal()):
            raise InputError(f"{header!r} is no order of a gateway on what to leave out")
        chosen: Any = reasoning
        return cls(chosen, None if top is None else int(top))

    def request(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """A request that asks for no more than will be given; see `restrict_request`."""
        return dict(payload) if self.top_logprobs is None else restrict_request(payload, self.top_logprobs)

    def response(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A whole response, not a piece of a stream, without what is left out."""
        found = dict(body)
        if self.reasoning == "withhold":
            found = withhold_reasoning(found)
        elif self.reasoning == "summarise":
            found = summarise_reasoning(found)
        return found if self.top_logprobs is None else restrict_logprobs(found, self.top_logprobs, 0.0)
