"""From a batch of exchanges to the rows that a window keeps: the columns that signals need, and short excerpts."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iolaus.detect.steps import NUMBERS
from iolaus.stream.keys import hash_texts
from iolaus.stream.people import People
from iolaus.text import BINS, TextSketch, sketch_prompts

__all__ = ["COLUMNS", "PLAIN", "ROWS", "WORDS", "Incoming", "incoming", "kept_rows"]

# Excerpts are as long as detect's, so that what is read of them is the same.
_PROMPT: Final = 4000
_RESPONSE: Final = 700
# Few values for many rows, and about one value a row.
WORDS: Final = ("api_key_id", "channel", "ja4", "request_model", "settings", "user_agent")
PLAIN: Final = ("conversation_id", "history_digest", "ip")
_DICTIONARY: Final = pa.dictionary(pa.int32(), pa.string())

COLUMNS: Final = pa.schema(
    [
        pa.field("key", pa.uint64()),
        pa.field("rank", pa.uint64()),
        pa.field("history", pa.uint64()),
        pa.field("account", pa.int32()),
        pa.field("at", pa.int64()),
        pa.field("item", pa.uint64()),
        pa.field("tokens", pa.int32()),
        pa.field("flags", pa.uint32()),
        pa.field("letters", pa.int32()),
        *(pa.field(name, pa.int32()) for name in NUMBERS),
        pa.field("bins", pa.binary(4 * BINS)),
        pa.field("exchange_id", pa.string()),
        *(pa.field(name, pa.string()) for name in PLAIN),
        *(pa.field(name, _DICTIONARY) for name in WORDS),
    ]
)
ROWS: Final = pa.schema([*COLUMNS, pa.field("prompt", pa.string()), pa.field("response", pa.string())])


@dataclass(frozen=True, slots=True)
class Incoming:
    """A batch with what is known of its n rows before any is kept.

    Attributes:
        batch: exchanges in the contract's schema.
        key: uint64 (n,), hash of the exchange id.
        rank: uint64 (n,), hash of the conversation, or of the exchange where none is named: what is thinned out is
            thinned by conversations, which stay whole.
        history: uint64 (n,), hash of the history digest, 0 where null.
        account: int32 (n,), number of the account.
        at: int64 (n,), microseconds since 1970 UTC.
        sketch: of the prompts.
    """

    batch: pa.RecordBatch
    key: np.ndarray
    rank: np.ndarray
    history: np.ndarray
    account: np.ndarray
    at: np.ndarray
    sketch: TextSketch

    def part(self, start: int, end: int) -> "Incoming":
        """Rows from ``start`` to ``end``."""
        cut = slice(start, end)
        s = self.sketch
        return Incoming(
            self.batch.slice(start, end - start),
            self.key[cut],
            self.rank[cut],
            self.history[cut],
            self.account[cut],
            self.at[cut],
            TextSketch(s.bins[cut], s.item[cut], s.template[cut], s.tokens[cut], s.flags[cut]),
        )


def incoming(batch: pa.RecordBatch, people: People) -> Incoming:
    """Hash ids, number accounts and sketch prompts of a batch in ``iolaus.schema.EXCHANGES``."""
    key = hash_texts(batch.column("exchange_id"))
    thread = hash_texts(batch.column("conversation_id"))
    return Incoming(
        batch,
        key,
        np.where(thread != 0, thread, key),
        hash_texts(batch.column("history_digest")),
        people.numbers(batch.column("account_id")),
        batch.column("timestamp").cast(pa.int64()).to_numpy(),
        sketch_prompts(batch.column("prompt"), batch.column("system")),
    )


def kept_rows(rows: Incoming, chosen: np.ndarray) -> pa.Table:
    """The chosen rows, int64 (k,) in order, in the schema ``ROWS``."""
    whole = chosen.size == rows.key.size
    batch = rows.batch if whole else rows.batch.take(pa.array(chosen))
    prompt = pc.utf8_slice_codeunits(batch.column("prompt"), 0, _PROMPT)
    response = pc.utf8_slice_codeunits(batch.column("response"), 0, _RESPONSE)
    letters = pc.add(pc.binary_length(prompt), pc.fill_null(pc.binary_length(response), 0))
    own: dict[str, np.ndarray] = {
        "key": rows.key, "rank": rows.rank, "history": rows.history, "account": rows.account, "at": rows.at,
        "item": rows.sketch.item, "tokens": rows.sketch.tokens, "flags": rows.sketch.flags,
    }  # fmt: skip
    columns = {name: pa.array(values[chosen]) for name, values in own.items()}
    columns |= {name: batch.column(name).cast(pa.int32()).fill_null(-1) for name in NUMBERS}
    bins = np.ascontiguousarray(rows.sketch.bins[chosen])
    columns["bins"] = pa.FixedSizeBinaryArray.from_buffers(
        COLUMNS.field("bins").type, chosen.size, [None, pa.py_buffer(bins)]
    )
    columns |= {name: batch.column(name) for name in ("exchange_id", *PLAIN)}
    words = {name: _settings(batch) if name == "settings" else batch.column(name) for name in WORDS}
    columns |= {name: values.dictionary_encode() for name, values in words.items()}
    columns |= {"letters": letters.cast(pa.int32()), "prompt": prompt, "response": response}
    return pa.Table.from_arrays([columns[field.name] for field in ROWS], schema=ROWS)


def _settings(batch: pa.RecordBatch) -> pa.Array:
    """Temperature, longest answer and number of choices as one value, as detect's SQL writes it."""
    thousand = pc.round(pc.multiply(batch.column("temperature"), 1000.0), round_mode="half_towards_infinity")
    parts = [
        pc.fill_null(column.cast(pa.int64(), safe=False).cast(pa.string()), "-")
        for column in (thousand, batch.column("max_tokens"), batch.column("choice_count"))
    ]
    joined = pc.binary_join_element_wise(*parts, "/")
    said = pc.or_(batch.column("temperature").is_valid(), batch.column("max_tokens").is_valid())
    return pc.if_else(said, joined, pa.scalar(None, pa.string()))
