"""A causal language model whose weights are here, through transformers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from iolaus.errors import AnswerError, ModelError
from iolaus.lm.access import Access, Generation, Sampling, Scored, TopTokens
from iolaus.lm.encode import Encoded, chat_prompt, decode_inside, encode_pair, encode_prompt

if TYPE_CHECKING:
    import torch

__all__ = ["LocalModel", "load_tokenizer"]


def load_tokenizer(path: str | Path, *, download: bool = False) -> Any:  # noqa: ANN401
    """Load a transformers tokenizer.

    Args:
        path: folder, or an id in transformers' own cache.
        download: let transformers fetch an id that is not there.

    Raises:
        ModelError: transformers is not installed, or there is no tokenizer.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise ModelError("open weights need transformers: pip install 'iolaus[prove]'") from error
    try:
        return AutoTokenizer.from_pretrained(path, local_files_only=not download)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{path} holds no tokenizer: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


class LocalModel:
    """A transformers causal language model and its tokenizer.

    Args:
        network: a transformers causal language model; it is put into evaluation mode.
        tokenizer: its tokenizer.
        name: what reports call it.
        chat: put prompts into the tokenizer's chat template.
        sampling: settings of `sample`.
        batch_tokens: most tokens in one pass, padding included.

    Raises:
        ModelError: the tokenizer has more tokens than the network has rows for.
    """

    def __init__(
        self,
        network: Any,  # noqa: ANN401 - transformers' own classes are only loosely typed
        tokenizer: Any,  # noqa: ANN401
        *,
        name: str = "local model",
        chat: bool = False,
        sampling: Sampling | None = None,
        batch_tokens: int = 8192,
    ) -> None:
        self.network, self.tokenizer, self._name, self._chat = network.eval(), tokenizer, name, chat
        self._sampling, self._batch_tokens = sampling or Sampling(), batch_tokens
        self._spelled: dict[int, str] = {}
        rows = network.get_input_embeddings().num_embeddings
        highest = max(tokenizer.get_vocab().values(), default=-1)
        if highest >= rows:
            raise ModelError(
                f"{name}: the tokenizer has ids up to {highest} and the model only {rows} rows; they do not belong "
                "together"
            )

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        dtype: Literal["float32", "bfloat16", "float16"] = "float32",
        device: str | None = None,
        download: bool = False,
        chat: bool = False,
        sampling: Sampling | None = None,
        batch_tokens: int = 8192,
    ) -> "LocalModel":
        """Load a model from a folder, or by its id from transformers' own cache.

        Args:
            path: folder or id.
            dtype: of the weights.
            device: such as ``cuda``; None takes a GPU where there is one.
            download: let transformers fetch an id that is not in its cache.
            chat: put prompts into the tokenizer's chat template.
            sampling: settings of `sample`.
            batch_tokens: most tokens in one pass.

        Raises:
            ModelError: transformers is not installed, or the model cannot be loaded.
        """
        try:
            import torch
            from transformers import AutoModelForCausalLM
        except ImportError as error:
            raise ModelError("open weights need transformers: pip install 'iolaus[prove]'") from error
        where = device or ("cuda" if torch.cuda.is_available() else "cpu")
        tokenizer = load_tokenizer(path, download=download)
        try:
            weights = getattr(torch, dtype)
            network: Any = AutoModelForCausalLM.from_pretrained(path, local_files_only=not download, dtype=weights)
            network.to(where)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"{path} cannot be loaded as a causal language model: {_reason(error)}") from error
        return cls(network, tokenizer, name=str(path), chat=chat, sampling=sampling, batch_tokens=batch_tokens)

    @property
    def name(self) -> str:
        """What reports call it."""
        return self._name

    @property
    def access(self) -> Access:
        """Everything."""
        return Access.TEXT | Access.TOP_K | Access.PREFILL | Access.ECHO | Access.WEIGHTS

    @property
    def window(self) -> int | None:
        """Most tokens that the model can see, where its configuration says so."""
        found = getattr(self.network.config, "max_position_embeddings", None)
        return found if isinstance(found, int) and found > 0 else None

    def uncached(self) -> "LocalModel":
        """Itself: nothing is kept."""
        return self

    def sample(self, prompt: str) -> str:
        """One fresh answer; two calls are two independent draws."""
        return self.generate([prompt], self._sampling)[0].text

    def logprobs(self, prompt: str, answer: str) -> NDArray[np.float64]:
        """(n,) log-probabilities of the answer's tokens.

        Raises:
            AnswerError: the prompt fills the context window, or the tokenizer does not know the answer's characters.
        """
        return self.score([(prompt, answer)])[0].logprobs

    def encode(self, prompt: str, answer: str) -> Encoded:
        """Token ids of a pair, as `score` uses them."""
        text = chat_prompt(self.tokenizer, prompt) if self._chat else prompt
        return encode_pair(self.tokenizer, text, answer, window=self.window, templated=self._chat)

    def score(self, pairs: Sequence[tuple[str, str]], *, top: int = 0) -> list[Scored]:
        """Score (prompt, answer) pairs, in their order; similar lengths share a pass.

        Raises:
            AnswerError: see `logprobs`; or the model gives numbers that are no probabilities.
        """
        encoded = [self.encode(prompt, answer) for prompt, answer in pairs]
        rows = [(*one.prompt, *one.answer) for one in encoded]
        results: list[Scored | None] = [None] * len(encoded)
        for index, told in self.tables(rows, [len(one.prompt) - 1 for one in encoded]):
            results[index] = self._scored(encoded[index], told[:-1], top)
        return [one for one in results if one is not None]

    def next_token(self, prompt: str, begun: str, top: int) -> TopTokens:
        """The likeliest tokens after an answer that begins with ``begun``."""
        import torch

        one = self.encode(prompt, begun)
        ids = torch.tensor([[*one.prompt, *one.answer]], device=self.network.device)
        with torch.inference_mode():
            row = self.network(input_ids=ids).logits[0, -1].float().log_softmax(-1)
        return self._top(row, top)

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[Generation]:
        """One answer to each prompt, with log-probabilities where ``sampling.top`` asks for them.

        A seed fixes the batch as a whole. torch's global generator is left as it was.

        Raises:
            AnswerError: a prompt leaves no room for an answer.
        """
        texts = [chat_prompt(self.tokenizer, prompt) if self._chat else prompt for prompt in prompts]
        return self._continued([encode_prompt(self.tokenizer, text, templated=self._chat) for text in texts], sampling)

    def resume(self, begun: Sequence[tuple[str, str]], sampling: Sampling) -> list[Generation]:
        """Go on from answers that the caller began: (prompt, beginning) pairs; a text is what comes behind.

        Raises:
            AnswerError: a beginning leaves no room for more.
        """
        encoded = [self.encode(prompt, start) for prompt, start in begun]
        if any(one.truncated for one in encoded):
            raise AnswerError(f"the beginning of an answer does not fit into a window of {self.window}")
        return self._continued([(*one.prompt, *one.answer) for one in encoded], sampling)

    def _continued(self, rows: Sequence[Sequence[int]], sampling: Sampling) -> list[Generation]:
        import torch

        longest = max((len(row) for row in rows), default=0)
        room = sampling.max_tokens if self.window is None else min(sampling.max_tokens, self.window - longest)
        if rows and room <= 0:
            raise AnswerError(f"a prompt of {longest} tokens leaves no room for an answer in a window of {self.window}")
        results: list[Generation | None] = [None] * len(rows)
        devices = [self.network.device] if self.network.device.type == "cuda" else []
        with torch.random.fork_rng(devices, enabled=sampling.seed is not None), torch.inference_mode():
            if sampling.seed is not None:
                torch.manual_seed(sampling.seed)
            for batch in self._batches([len(row) + room for row in rows]):
                for index, found in zip(batch, self._write([rows[i] for i in batch], sampling, room), strict=True):
                    results[index] = found
        return [one for one in results if one is not None]

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Indices in groups of similar length, each within the bound on padded tokens."""
        batch: list[int] = []
        for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
            if batch and (len(batch) + 1) * lengths[index] > self._batch_tokens:
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch

    def tables(self, rows: Sequence[Sequence[int]], starts: Sequence[int]) -> "Iterator[tuple[int, torch.Tensor]]":
        """Next-token log-probabilities along sequences of token ids; similar lengths share a pass.

        Args:
            rows: token ids, each at least one and within the window.
            starts: for each row the first position that is wanted.

        Yields:
            Index of a row, and (length - start, vocabulary) natural-log probabilities in float32, where the line of a
            position holds what comes behind it. Rows come in the order of their lengths.
        """
        import torch

        for batch in self._batches([len(row) for row in rows]):
            with torch.inference_mode():
                logits = self.network(**self._padded([rows[i] for i in batch], left=False)).logits
            for index, out in zip(batch, logits, strict=True):
                yield index, out[starts[index] : len(rows[index])].float().log_softmax(-1)

    def _scored(self, one: Encoded, told: "torch.Tensor", top: int) -> Scored:
        numbers = self._picked(told, one.answer)
        if not np.isfinite(numbers).all():
            raise AnswerError(f"{self._name} gives log-probabilities that are no numbers (NaN or infinite)")
        tokens = tuple(self._spell(token) for token in one.answer)
        tops = tuple(self._top(step, top) for step in told) if top else ()
        return Scored(tokens, numbers, one.truncated, one.straddles, tops)

    def _write(self, rows: Sequence[Sequence[int]], sampling: Sampling, room: int) -> Iterator[Generation]:
        import torch
        from transformers import GenerationConfig

        ends = self._ends()
        chance: dict[str, Any] = {"do_sample": sampling.temperature > 0}
        if sampling.temperature > 0:
            chance |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        # Named one by one, for what is left out comes from the folder's own settings.
        plain = {"repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "num_beams": 1, "min_new_tokens": 0}
        settings = GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=room,
            eos_token_id=sorted(ends) or None,
            pad_token_id=self._pad(),
            return_dict_in_generate=True,
            output_logits=sampling.top > 0,
            **chance,
            **plain,
        )
        padded = self._padded(rows, left=True)
        out = self.network.generate(**padded, generation_config=settings)
        width = padded["input_ids"].shape[1]
        for index, sequence in enumerate(out.sequences[:, width:].tolist()):
            end = next((at for at, token in enumerate(sequence) if token in ends), None)
            written = sequence[:end]
            text = decode_inside(self.tokenizer, written)
            if not sampling.top:
                yield Generation(text, end is None)
                continue
            told = torch.stack([step[index] for step in out.logits[: len(written)]] or [out.logits[0][index]])
            told = told.float().log_softmax(-1)[: len(written)]
            tops = tuple(self._top(step, sampling.top) for step in told)
            spelled = tuple(self._spell(token) for token in written)
            yield Generation(text, end is None, spelled, self._picked(told, written), tops)

    @staticmethod
    def _picked(told: "torch.Tensor", tokens: Sequence[int]) -> NDArray[np.float64]:
        """(n,) entries of a table (n, vocabulary), one a row."""
        import torch

        index = torch.tensor(tokens, device=told.device, dtype=torch.long)[:, None]
        found: NDArray[np.float64] = told.gather(-1, index)[:, 0].double().cpu().numpy()
        return found

    def _padded(self, rows: Sequence[Sequence[int]], *, left: bool) -> "dict[str, torch.Tensor]":
        import torch

        width = max(len(row) for row in rows)
        ids = torch.full((len(rows), width), self._pad(), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for index, row in enumerate(rows):
            span = slice(width - len(row), width) if left else slice(0, len(row))
            ids[index, span], mask[index, span] = torch.tensor(row), 1
        return {"input_ids": ids.to(self.network.device), "attention_mask": mask.to(self.network.device)}

    def _top(self, row: "torch.Tensor", top: int) -> TopTokens:
        found = row.topk(min(top, row.numel()))
        return tuple(
            (self._spell(token), value)
            for token, value in zip(found.indices.tolist(), found.values.tolist(), strict=True)
        )

    def _spell(self, token: int) -> str:
        if token not in self._spelled:
            self._spelled[token] = decode_inside(self.tokenizer, [token])
        return self._spelled[token]

    def _pad(self) -> int:
        # The mask hides padding, so any token will do.
        return int(self.tokenizer.pad_token_id or 0)

    def _ends(self) -> set[int]:
        known = getattr(self.network.generation_config, "eos_token_id", None)
        found = set(known if isinstance(known, list) else [] if known is None else [known])
        return found | ({self.tokenizer.eos_token_id} - {None})
