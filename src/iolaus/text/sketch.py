"""Sketching prompts: one-permutation MinHash over token shingles, straight from Arrow's buffers.

Every shingle of three tokens falls by its hash into a bin, and each bin keeps its least value (one permutation
hashing: Li, Owen and Zhang, "One Permutation Hashing", NIPS 2012, section 2). A bin's value is also a consistent sample
of the prompt's shingles, which is how families tell the words that stay from the fillings. Templates stand at the
beginning and the end of prompts, or in the system instructions, so each of these has its own region of bins beside the
region that sees the whole prompt: a filling of a thousand words leaves the template in plain sight.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from iolaus.text.jit import inlined, parallel_kernel, spans
from iolaus.text.lexicon import PHRASE_FACTOR, PHRASE_TOKENS, compile_lexicon
from iolaus.text.tokens import MARK_EDGE, mix64, tokenise

__all__ = ["BINS", "REGION", "TextSketch", "sketch_prompts", "sketch_texts", "text_buffers"]

REGION: Final = 16
# Regions: the whole prompt, its first shingles, its last shingles, the system instructions.
BINS: Final = 4 * REGION
# Shingles at either edge of the text that the edges' bins see.
_EDGE: Final = 40
# Reading stops after so many tokens of a prompt: what a template says, it says before a book's end.
_TOKEN_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True)
class TextSketch:
    """Sketches of n texts.

    Attributes:
        bins: uint32 (n, BINS), the least shingle hash of each bin, 0 where a bin is empty.
        item: uint64 (n,), hash of the whole text with case and spacing folded.
        template: uint64 (n,), hash of the masked text: numbers, quotes and code are one mark each.
        tokens: int32 (n,), number of tokens.
        flags: uint32 (n,), one bit a capability of the lexicon that a phrase of the text names.
    """

    bins: np.ndarray
    item: np.ndarray
    template: np.ndarray
    tokens: np.ndarray
    flags: np.ndarray


@inlined
def _lexicon_bits(tokens: np.ndarray, at: int, first: int, keys: np.ndarray, bits: np.ndarray) -> int:
    """Capability bits of the phrases that end at token ``at``."""
    mask = np.uint64(keys.shape[0] - 1)
    key = np.uint64(0)
    found = np.uint32(0)
    for back in range(min(PHRASE_TOKENS, at - first + 1)):
        key = key * PHRASE_FACTOR + tokens[at - back]
        slot = (key >> np.uint64(40)) & mask
        while keys[slot] != 0:
            if keys[slot] == key:
                found |= bits[slot]
                break
            slot = (slot + np.uint64(1)) & mask
    return found


@inlined
def _keep_least(bins: np.ndarray, row: int, place: int, value: int) -> None:
    if bins[row, place] == 0 or value < bins[row, place]:
        bins[row, place] = value


@parallel_kernel
def _kernel(
    buf: np.ndarray,
    offsets: np.ndarray,
    keys: np.ndarray,
    bits: np.ndarray,
    bins: np.ndarray,
    item: np.ndarray,
    template: np.ndarray,
    count: np.ndarray,
    flags: np.ndarray,
) -> None:
    n = offsets.shape[0] - 1
    chunks = min(n, 64)
    for chunk in spans(chunks):
        tokens = np.empty(_TOKEN_LIMIT + 2, dtype=np.uint64)
        for row in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            found, whole = tokenise(buf, offsets[row], offsets[row + 1], tokens[1 : _TOKEN_LIMIT + 1])
            item[row] = whole
            count[row] = found
            # The edges count as tokens: how a prompt begins and ends is part of its template.
            tokens[0] = MARK_EDGE
            tokens[found + 1] = MARK_EDGE
            masked = np.uint64(0)
            flag = np.uint32(0)
            for at in range(1, found + 1):
                masked = masked * PHRASE_FACTOR + tokens[at]
                flag |= _lexicon_bits(tokens, at, 1, keys, bits)
            template[row] = mix64(masked)
            flags[row] = flag
            for at in range(2, found + 2):
                h = mix64(
                    tokens[at - 2] * np.uint64(0x9E3779B97F4A7C15)
                    + tokens[at - 1] * np.uint64(0xC2B2AE3D27D4EB4F)
                    + tokens[at]
                )
                place = np.int64(((h >> np.uint64(32)) * np.uint64(REGION)) >> np.uint64(32))
                value = np.uint32(h & np.uint64(0xFFFFFFFF)) | np.uint32(1)
                _keep_least(bins, row, place, value)
                if at - 2 < _EDGE:
                    _keep_least(bins, row, REGION + place, value)
                if found + 1 - at < _EDGE:
                    _keep_least(bins, row, 2 * REGION + place, value)


_LEXICON: list[np.ndarray] = []


def sketch_prompts(prompts: pa.Array, system: pa.Array) -> TextSketch:
    """Sketch prompts with the system instructions before them; no Python object is made for any of them.

    Args:
        prompts: Arrow string array of length n; null reads as an empty text.
        system: Arrow string array of length n; null where there are none.

    Returns:
        Sketches of the prompts, with the system's shingles in the last region and its capabilities in the flags.
    """
    sketch = sketch_texts(prompts)
    if system.null_count < len(system):
        instructions = sketch_texts(system)
        sketch.bins[:, 3 * REGION :] = instructions.bins[:, :REGION]
        np.bitwise_or(sketch.flags, instructions.flags, out=sketch.flags)
    return sketch


def sketch_texts(texts: pa.Array) -> TextSketch:
    """Sketch a column of texts by themselves; the last region of the bins stays empty.

    Args:
        texts: Arrow string or large_string array of length n; null reads as an empty text.

    Returns:
        The sketches, in the order of the rows. A text without tokens has only empty bins.
    """
    n = len(texts)
    sketch = TextSketch(
        np.zeros((n, BINS), dtype=np.uint32),
        np.zeros(n, dtype=np.uint64),
        np.zeros(n, dtype=np.uint64),
        np.zeros(n, dtype=np.int32),
        np.zeros(n, dtype=np.uint32),
    )
    if n == 0:
        return sketch
    if not _LEXICON:
        _LEXICON.extend(compile_lexicon())
    buf, offsets = text_buffers(texts)
    _kernel(buf, offsets, *_LEXICON, sketch.bins, sketch.item, sketch.template, sketch.tokens, sketch.flags)
    return sketch


def text_buffers(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of a string array (uint8) and where each text begins and ends (int64, n + 1), without a copy of them.

    Raises:
        TypeError: the array holds no strings.
    """
    if pa.types.is_string(texts.type):
        width: type = np.int32
    elif pa.types.is_large_string(texts.type):
        width = np.int64
    else:
        raise TypeError(f"texts must be strings, not {texts.type}")
    _, offset_buffer, data = texts.buffers()
    n = len(texts)
    offsets = np.frombuffer(offset_buffer, dtype=width)[texts.offset : texts.offset + n + 1].astype(np.int64)
    buf = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    return buf, offsets
