"""A model behind an OpenAI-compatible endpoint."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iolaus.errors import AnswerError, ModelError
from iolaus.lm.access import Access, Generation, Sampling, Scored, TopTokens, require
from iolaus.lm.budget import Budget
from iolaus.lm.cache import AnswerCache
from iolaus.lm.pace import Patience, TokenBucket
from iolaus.lm.replies import read_chat, read_completion, read_echo
from iolaus.lm.transport import Refused, Transport

__all__ = ["Endpoint"]


class Endpoint:
    """A model behind ``/completions`` or ``/chat/completions``. Only ``base_url`` is ever contacted.

    Answers are kept in the cache, if there is one, where asking again should give the same: scores, temperature 0, and
    draws that the caller numbers. A fresh sample is never taken from the cache.

    Args:
        base_url: such as ``http://127.0.0.1:8000/v1``.
        served_name: the model's name there.
        style: ``completions`` (raw text) or ``chat`` (the prompt as the user's message).
        access: what the endpoint lets see, where that is known; `probe` finds out. Unknown, it is text, and
            for raw completions prefill.
        key: bearer token; else the environment's ``IOLAUS_API_KEY``. Never logged.
        sampling: settings of `sample`.
        system: system message, for chat.
        extra: further fields of each request, such as ``{"top_k": 50}``.
        continue_fields: fields that make a chat endpoint continue the assistant's last message; these are vLLM's
            and SGLang's. Pass ``{}`` where the endpoint continues it by itself.
        patience, pace, budget, cache, concurrency: see `Transport`.

    Raises:
        ModelError: the address is none, httpx is not installed, or echo is declared for chat.
    """

    def __init__(
        self,
        base_url: str,
        served_name: str,
        *,
        style: Literal["completions", "chat"] = "chat",
        access: Access | None = None,
        key: str | None = None,
        sampling: Sampling | None = None,
        system: str | None = None,
        extra: Mapping[str, Any] | None = None,
        continue_fields: Mapping[str, Any] | None = None,
        patience: Patience | None = None,
        pace: TokenBucket | None = None,
        budget: Budget | None = None,
        cache: AnswerCache | None = None,
        concurrency: int = 4,
    ) -> None:
        self._transport = Transport(
            base_url, key, patience=patience, pace=pace, budget=budget, cache=cache, concurrency=concurrency
        )
        self._served_name, self._style, self._system = served_name, style, system
        self._extra = dict(extra or {})
        flags = {"continue_final_message": True, "add_generation_prompt": False}
        self._continue_fields = dict(flags if continue_fields is None else continue_fields)
        self._sampling = sampling or Sampling()
        known = Access.TEXT | Access.PREFILL if style == "completions" else Access.TEXT
        if style == "chat" and access is not None and Access.ECHO in access:
            raise ModelError("echo goes with style 'completions': a chat endpoint does not echo a prompt")
        self._access, self._echo_tail, self._uncached = access or known, 0, False

    @property
    def name(self) -> str:
        """The model's name and where it is served."""
        return f"{self._served_name} at {self._transport.base_url}"

    @property
    def access(self) -> Access:
        """What the endpoint lets see."""
        return self._access

    @property
    def budget(self) -> Budget:
        """What was spent, and what is left."""
        return self._transport.budget

    def uncached(self) -> "Endpoint":
        """The same endpoint, asked anew each time; budget and pace are shared."""
        twin = object.__new__(Endpoint)
        twin.__dict__.update(self.__dict__)
        twin._uncached = True
        return twin

    def close(self) -> None:
        """Close the connections; twins made by `uncached` share them."""
        self._transport.close()

    def sample(self, prompt: str) -> str:
        """One fresh answer; never from the cache, so that two calls are two independent draws."""
        return self.generate([prompt], self._sampling, draw=None)[0].text

    def generate(self, prompts: Sequence[str], sampling: Sampling, *, draw: int | None = None) -> list[Generation]:
        """One answer to each prompt.

        Args:
            prompts: the prompts.
            sampling: settings.
            draw: number of the draw. With a number, the same draw of the same prompt comes from the cache; without,
                only answers at temperature 0 do.

        Raises:
            AccessError: ``sampling.top`` is wanted and not given.
            AnswerError: the endpoint withheld asked log-probabilities or answered garbage.
            BudgetSpent: the prompts do not fit into the budget.
        """
        if sampling.top:
            require(self.name, self._access, Access.TOP_K)
        payloads = [self._request(prompt, "", sampling) for prompt in prompts]
        kept = 0 if draw is None and sampling.temperature == 0 else draw
        return self._ask(payloads, sampling, kept)

    def resume(
        self, begun: Sequence[tuple[str, str]], sampling: Sampling, *, draw: int | None = None
    ) -> list[Generation]:
        """Go on from answers that the caller began: (prompt, beginning) pairs; a text is what comes behind.

        Raises:
            AccessError: the endpoint does not continue an answer, or gives no top logprobs that are asked for.
            AnswerError, BudgetSpent: as `generate`.
        """
        require(self.name, self._access, Access.PREFILL | Access.TOP_K if sampling.top else Access.PREFILL)
        payloads = [self._request(prompt, start, sampling) for prompt, start in begun]
        return self._ask(payloads, sampling, 0 if draw is None and sampling.temperature == 0 else draw)

    def logprobs(self, prompt: str, answer: str) -> NDArray[np.float64]:
        """(n,) log-probabilities of the answer's tokens, through the echo.

        Raises:
            AccessError: the endpoint does not echo with log-probabilities.
        """
        return self.score([(prompt, answer)])[0].logprobs

    def score(self, pairs: Sequence[tuple[str, str]], *, top: int = 0) -> list[Scored]:
        """Score (prompt, answer) pairs, in their order, one query each.

        Raises:
            AccessError: the endpoint does not echo with log-probabilities.
            AnswerError: what it echoes is not what was sent, or its numbers cannot be.
            BudgetSpent: the pairs do not fit into the budget.
        """
        require(self.name, self._access, Access.ECHO)
        try:
            return self._echo(pairs, top)
        except Refused as refusal:
            # Some servers insist on writing at least one token.
            if self._echo_tail or refusal.status not in (400, 422):
                raise
            self._echo_tail = 1
            return self._echo(pairs, top)

    def next_token(self, prompt: str, begun: str, top: int) -> TopTokens:
        """The likeliest tokens after an answer that begins with ``begun``.

        Raises:
            AccessError: the endpoint gives no top logprobs, or does not continue an answer.
            AnswerError: it withheld them.
        """
        require(self.name, self._access, Access.TOP_K | Access.PREFILL if begun else Access.TOP_K)
        sampling = Sampling(max_tokens=1, temperature=0.0, top=top)
        found = self._ask([self._request(prompt, begun, sampling)], sampling, 0)[0]
        return found.top[0]

    def probe(self) -> Access:
        """Find out, with at most four short queries, whether there is text, top logprobs and echo; sets `access`.

        Whether a chat endpoint continues an answer cannot be seen from outside with certainty, so prefill stays as
        it was declared.

        Raises:
            ModelError: the endpoint does not answer at all.
        """
        declared = self._access & Access.PREFILL
        self._access = Access.TEXT | declared | Access.TOP_K | Access.ECHO
        self._ask([self._request("Say yes.", "", Sampling(max_tokens=1))], Sampling(max_tokens=1), None)
        found = Access.TEXT | declared
        try:
            self.generate(["Say yes."], Sampling(max_tokens=1, temperature=0.0, top=2))
            found |= Access.TOP_K
        except (AnswerError, Refused):
            pass
        if self._style == "completions":
            try:
                self.score([("The sky is", " blue.")])
                found |= Access.ECHO
            except (AnswerError, Refused):
                pass
        self._access = found
        return found

    def _echo(self, pairs: Sequence[tuple[str, str]], top: int) -> list[Scored]:
        fields = {"max_tokens": self._echo_tail, "temperature": 0.0, "echo": True, "logprobs": max(top, 1)}
        base = self._extra | {"model": self._served_name} | fields
        payloads = [base | {"prompt": prompt + answer} for prompt, answer in pairs]
        return self._transport.ask(
            "/completions",
            payloads,
            lambda body, index: read_echo(body, *pairs[index], self.name),
            None if self._uncached else 0,
        )

    def _ask(self, payloads: Sequence[dict[str, Any]], sampling: Sampling, draw: int | None) -> list[Generation]:
        path, read = ("/chat/completions", read_chat) if self._style == "chat" else ("/completions", read_completion)

        def checked(body: dict[str, Any], _: int) -> Generation:
            found = read(body, self.name)
            if sampling.top and (not found.top or not found.top[0]):
                raise AnswerError(f"{self.name} was asked for top logprobs and gave none")
            return found

        return self._transport.ask(path, payloads, checked, None if self._uncached else draw)

    def _request(self, prompt: str, begun: str, sampling: Sampling) -> dict[str, Any]:
        asked = dataclasses.asdict(sampling)
        fields: dict[str, Any] = {name: asked[name] for name in ("max_tokens", "temperature", "top_p")}
        if sampling.seed is not None:
            fields["seed"] = sampling.seed
        base = self._extra | {"model": self._served_name} | fields
        if self._style == "completions":
            return base | {"prompt": prompt + begun} | ({"logprobs": sampling.top} if sampling.top else {})
        messages = [{"role": "system", "content": self._system}] if self._system is not None else []
        messages.append({"role": "user", "content": prompt})
        if begun:
            messages.append({"role": "assistant", "content": begun})
            base |= self._continue_fields
        if sampling.top:
            base |= {"logprobs": True, "top_logprobs": sampling.top}
        return base | {"messages": messages}
