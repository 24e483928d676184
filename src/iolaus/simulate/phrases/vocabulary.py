"""All phrases, parsed: a slot's demands with the wordings of each, and the slots whose entries all mean the same."""

from typing import Final

from iolaus.simulate.phrases import chinese, product, reasoning, tasks

__all__ = ["DEMANDS", "NAMES", "SYNONYMS"]


def _entries(text: str) -> tuple[str, ...]:
    return tuple(" ".join(entry.split()) for entry in text.split("|"))


def _demands(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_entries(line) for line in text.strip().splitlines())


DEMANDS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    slot: _demands(text)
    for slots in (reasoning.DEMANDS, tasks.DEMANDS, chinese.DEMANDS, product.DEMANDS)
    for slot, text in slots.items()
}
SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    slot: _entries(text)
    for slots in (reasoning.SYNONYMS, chinese.SYNONYMS, product.SYNONYMS)
    for slot, text in slots.items()
}
NAMES: Final = _entries(product.NAMES)
