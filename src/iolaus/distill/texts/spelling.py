"""Which bytes a tokenizer's tokens stand for: the common ground of two tokenizers."""

import re
from collections.abc import Sequence
from itertools import accumulate

from iolaus.distill.untyped import Tokenizer
from iolaus.errors import PlanError

__all__ = ["Spelling"]


class Spelling:
    """Bytes of every token; special tokens have none.

    Byte-level tokenizers spell bytes in 256 letters of their own (Radford et al., "Language models are unsupervised
    multitask learners", 2019, section 2.2); SentencePiece marks a space with one sign and writes other bytes as <0x41>.

    Args:
        tokenizer: a fast transformers tokenizer of one of the two kinds.

    Raises:
        PlanError: it is of neither kind.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        decoder = str(getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", ""))
        if "ByteLevel" in decoder:
            spell = _byte_level
        elif "▁" in decoder or any(token.startswith("▁") for token in tokenizer.get_vocab()):
            spell = _sentencepiece
        else:
            raise PlanError("byte offsets need a byte-level or SentencePiece tokenizer, and this is neither")
        special = set(tokenizer.all_special_ids)
        self._bytes: dict[int, bytes] = {
            index: b"" if index in special else spell(token) for token, index in tokenizer.get_vocab().items()
        }
        self.ids: dict[bytes, int] = {}
        for index in sorted(self._bytes, reverse=True):
            if self._bytes[index]:
                self.ids[self._bytes[index]] = index

    def spell(self, ids: Sequence[int]) -> bytes:
        """The bytes of a sequence."""
        return b"".join(self._bytes.get(int(index), b"") for index in ids)

    def ends(self, ids: Sequence[int]) -> list[int]:
        """Byte offset at which each token of a sequence ends."""
        return list(accumulate(len(self._bytes.get(int(index), b"")) for index in ids))


def _letters() -> dict[int, str]:
    """The letter of each byte: printable ones stand for themselves, the others for letters from 256 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + place) for place, byte in enumerate(others)}


_BYTES = {letter: byte for byte, letter in _letters().items()}


def _byte_level(token: str) -> bytes:
    """Tokens that were added with letters of their own stand for no bytes that can be compared."""
    return bytes(_BYTES[letter] for letter in token) if all(letter in _BYTES for letter in token) else b""


def _sentencepiece(token: str) -> bytes:
    byte = re.fullmatch(r"<0x([0-9A-Fa-f]{2})>", token)
    return bytes.fromhex(byte.group(1)) if byte else token.replace("▁", " ").encode("utf-8", "surrogatepass")
