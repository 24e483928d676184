"""What two prompts of one template have in common, as values that can be compared for equality."""

import re
from hashlib import blake2b
from typing import Final

import numpy as np
import pyarrow as pa

__all__ = ["account_numbers", "digest", "masked", "template_keys", "tokens"]

_CODE: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_QUOTED: Final = re.compile(r"\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|「[^」\n]{1,400}」|`[^`\n]{1,400}`")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_TOKEN: Final = re.compile(r"[\u3040-\u9fff\uac00-\ud7a3]|[^\W\u3040-\u9fff\uac00-\ud7a3]+")
_READ: Final = 4_000
_WORDS: Final = 10


def masked(prompt: str) -> str:
    """The prompt in lower case with numbers, quotations and code masked and white space evened out."""
    text = _CODE.sub(" \x01 ", prompt[:_READ])
    text = _QUOTED.sub(" \x02 ", text)
    return " ".join(_NUMBER.sub("0", text).lower().split())


def tokens(text: str) -> list[str]:
    """Words, and single characters of scripts without blanks."""
    return _TOKEN.findall(text)


def digest(text: str) -> int:
    """64 bits that stand for a text, the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


def account_numbers(exchanges: pa.Table) -> tuple[np.ndarray, list[str]]:
    """Each row's account as a number, int64 (n,), and the accounts' ids in the order of those numbers."""
    ids = exchanges.column("account_id").combine_chunks().dictionary_encode()
    names = ids.dictionary.to_pylist()
    order = np.argsort(np.array(names))
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    return rank[ids.indices.to_numpy()], [names[i] for i in order]


def template_keys(exchanges: pa.Table) -> np.ndarray:
    """Hashes of what stays of a template: int64 (n, 4), 0 where there is none.

    The masked prompt whole, its first and its last ten words (so that a template with a long filling is seen too),
    and the masked system instructions.
    """
    prompts = exchanges.column("prompt").to_pylist()
    has_system = "system" in exchanges.column_names
    systems = exchanges.column("system").to_pylist() if has_system else [None] * len(prompts)
    known: dict[str, int] = {}
    out = np.zeros((len(prompts), 4), np.int64)
    for row, (prompt, system) in enumerate(zip(prompts, systems, strict=True)):
        text = masked(prompt)
        words = tokens(text)
        out[row, 0] = digest("whole " + text)
        if len(words) > 2 * _WORDS:
            out[row, 1] = digest("first " + " ".join(words[:_WORDS]))
            out[row, 2] = digest("last " + " ".join(words[-_WORDS:]))
        if system:
            if system not in known:
                known[system] = digest("system " + masked(system))
            out[row, 3] = known[system]
    return out
