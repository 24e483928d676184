"""What is kept of an exchange once it has been read: its columns, excerpts of its texts, and its sketch."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iolaus.schema import EXCHANGES
from iolaus.text import sketch_prompts

__all__ = ["ROWS", "Kept", "keep"]

# Texts are kept for excerpts and templates only, cut to this many characters.
_KEPT_PROMPT: Final = 4000
_KEPT_RESPONSE: Final = 700

_COLUMNS: Final = (
    "exchange_id", "account_id", "prompt", "api_key_id", "conversation_id", "turn", "history_digest", "channel",
    "request_model", "response", "input_tokens", "output_tokens", "temperature", "max_tokens", "choice_count",
    "tool_count", "status_code", "ip", "user_agent", "ja4",
)  # fmt: skip
ROWS: Final = pa.schema(
    [
        *(pa.field(name, EXCHANGES.field(name).type) for name in _COLUMNS),
        pa.field("at", pa.int64()),
        pa.field("item", pa.int64()),
        pa.field("tokens", pa.int32()),
        pa.field("flags", pa.int32()),
    ]
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Some exchanges as they are kept.

    Attributes:
        rows: in ``ROWS``; ``at`` is the timestamp in microseconds.
        bins: uint32 (n, BINS), the sketches of their prompts.
    """

    rows: pa.RecordBatch
    bins: np.ndarray


def keep(batch: pa.RecordBatch) -> Kept:
    """Sketch exchanges in the contract's schema, and cut their texts."""
    prompt = sketch_prompts(batch.column("prompt"), batch.column("system"))
    columns = {name: batch.column(name) for name in _COLUMNS}
    columns["prompt"] = pc.utf8_slice_codeunits(batch.column("prompt"), 0, _KEPT_PROMPT)
    columns["response"] = pc.utf8_slice_codeunits(batch.column("response"), 0, _KEPT_RESPONSE)
    columns["at"] = batch.column("timestamp").cast(pa.int64())
    columns["item"] = pa.array(prompt.item.view(np.int64))
    columns["tokens"] = pa.array(prompt.tokens)
    columns["flags"] = pa.array(prompt.flags.view(np.int32))
    return Kept(pa.RecordBatch.from_arrays([columns[f.name] for f in ROWS], schema=ROWS), prompt.bins)
