"""Causal language models in and out: loading, fresh students, low-rank additions, saving."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iolaus.distill.plan import CausalStudent, CausalTeacher
from iolaus.distill.untyped import Network, Tokenizer
from iolaus.errors import OutputError, PlanError

if TYPE_CHECKING:
    import torch

__all__ = [
    "Head",
    "load_network",
    "load_tokenizer",
    "make_student",
    "plain_head",
    "save_network",
    "teacher_network",
    "with_lora",
]


def load_tokenizer(path: str) -> Tokenizer:
    """A tokenizer from a folder or the local hub cache; nothing is fetched.

    Raises:
        PlanError: there is none.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise PlanError(f"no tokenizer can be loaded from {path}: {_first_line(error)}") from error


def load_network(path: str, dtype: str = "float32") -> Network:
    """A causal language model from a folder or the local hub cache; nothing is fetched.

    Raises:
        PlanError: there is none, or its files are damaged.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(path, local_files_only=True, dtype=getattr(torch, dtype))
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise PlanError(f"{path} cannot be loaded as a causal language model: {_first_line(error)}") from error


def make_student(plan: CausalStudent, tokenizer: Tokenizer, seed: int) -> Network:
    """The undistilled student: from weights, or fresh from a config or from sizes; the same seed gives the same one."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

    if plan.path is not None:
        return load_network(plan.path)
    if plan.config is not None:
        try:
            config: Any = AutoConfig.from_pretrained(plan.config, local_files_only=True)
        except (OSError, ValueError) as error:
            raise PlanError(f"student.config: {plan.config} holds no configuration: {_first_line(error)}") from error
    else:
        if plan.hidden % plan.heads:
            raise PlanError(f"student.heads: {plan.heads} heads do not divide a width of {plan.hidden}")
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=plan.hidden,
            num_hidden_layers=plan.layers,
            num_attention_heads=plan.heads,
            intermediate_size=plan.inner,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(config).float()  # type: ignore[no-untyped-call]


def with_lora(network: Network, plan: CausalStudent) -> Network:
    """The network with low-rank additions as its only trained weights, where the plan asks for them."""
    if plan.lora is None:
        return network
    from peft import LoraConfig, get_peft_model

    targets = plan.lora.targets if isinstance(plan.lora.targets, str) else list(plan.lora.targets)
    config = LoraConfig(
        r=plan.lora.rank, lora_alpha=int(plan.lora.alpha), lora_dropout=plan.lora.dropout, target_modules=targets
    )
    try:
        return get_peft_model(network, config)
    except ValueError as error:
        raise PlanError(f"student.lora.targets: {_first_line(error)}") from error


def save_network(network: Network, tokenizer: Tokenizer, folder: Path) -> None:
    """Write a model as safetensors with its tokenizer; the folder is there whole or not at all.

    Raises:
        OutputError: it cannot be written, as on a full disk.
    """
    beside = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        network.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(beside, folder)
    except Exception as error:  # safetensors raises its own error for a full disk
        shutil.rmtree(beside, ignore_errors=True)
        raise OutputError(f"{folder} cannot be written: {_first_line(error)}") from error


class Head:
    """How a network's logits come from its last hidden states: ``hidden @ weight.T`` and nothing else.

    Args:
        body: gives the hidden states.
        network: holds the head.
    """

    def __init__(self, body: Network, network: Network) -> None:
        self._body, self._network = body, network

    @property
    def weight(self) -> "torch.Tensor":
        """(V, d)."""
        found: torch.Tensor = self._network.get_output_embeddings().weight
        return found

    def hidden(self, ids: "torch.Tensor") -> "torch.Tensor":
        """(b, t, d) last hidden states, after the last norm."""
        found: torch.Tensor = self._body(input_ids=ids, use_cache=False).last_hidden_state
        return found


def plain_head(network: Network) -> Head | None:
    """The head, where logits really are hidden states times its weight; None for a bias, a scale, a cap.

    Checked on two rows of tokens, because a configuration does not say all that a model's code does.
    """
    import torch

    outer = network.get_base_model() if hasattr(network, "get_base_model") else network
    output = outer.get_output_embeddings()
    body = outer.base_model
    if output is None or getattr(output, "bias", None) is not None or body is outer:
        return None
    if type(output) is not torch.nn.Linear:
        return None
    head = Head(body, outer)
    probe = torch.arange(16, device=output.weight.device).reshape(2, 8) % output.weight.shape[0]
    training = outer.training
    outer.eval()
    try:
        with torch.no_grad():
            found = head.hidden(probe) @ head.weight.T
            expected = outer(input_ids=probe, use_cache=False).logits
    finally:
        outer.train(training)
    near = 1e-4 if expected.dtype == torch.float32 else 5e-2
    if found.shape == expected.shape and torch.allclose(found.float(), expected.float(), rtol=near, atol=near):
        return head
    return None


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__


def teacher_network(plan: CausalTeacher) -> Network:
    """The teacher, frozen and in evaluation mode."""
    network = load_network(plan.path, plan.dtype).eval()
    for weight in network.parameters():
        weight.requires_grad_(False)
    return network
