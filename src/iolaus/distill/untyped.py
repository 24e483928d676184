"""Names for what transformers leaves untyped."""

from typing import Any

__all__ = ["Network", "Tokenizer"]

Network = Any
"""A transformers causal language model (a torch module)."""

Tokenizer = Any
"""A transformers tokenizer."""
