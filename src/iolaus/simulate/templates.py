"""Wording around an item: elicitation templates of operators and researchers, scaffolds of products and courses.

Everyone words by one mechanism, because careful people ask for reasoning too: an instruction of one's own (see
``instruction``). A fixed template is one wording of an instruction, kept; a paraphrased one is an instruction that is
worded anew for every request. What tells an operator is that many accounts word one instruction.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from iolaus.simulate.grammar import Ints
from iolaus.simulate.instruction import Instruction, instruct
from iolaus.simulate.styles import ITEM

__all__ = ["Wrapping", "Wrappings"]


@dataclass(frozen=True, slots=True)
class Wrapping:
    """An entry of the table: a fixed text, or an instruction that is worded anew for each request."""

    text: str = ""
    instruction: Instruction | None = None


_BARE: Final = Wrapping(ITEM)


class Wrappings:
    """Table of wrappings; number 0 stands for the bare item."""

    def __init__(self) -> None:
        """Start with the bare item."""
        self._table: list[Wrapping] = [_BARE]

    def fixed(self, rng: np.random.Generator, style: str) -> int:
        """Add a template: an instruction of its own in one wording. Returns its number."""
        return self._add(Wrapping(_wording(rng, instruct(rng, style))))

    def paraphrased(self, rng: np.random.Generator, style: str) -> int:
        """Add an instruction that is worded anew with every request; returns its number."""
        return self._add(Wrapping(instruction=instruct(rng, style)))

    def retold(self, rng: np.random.Generator, number: int) -> int:
        """Add a template that says what a paraphrased one demands, in one fixed wording; returns its number."""
        return self._add(Wrapping(self.wording(rng, number)))

    def wording(self, rng: np.random.Generator, number: int) -> str:
        """A text of the entry, drawn where it is paraphrased; its item slot is a NUL."""
        entry = self._table[number]
        return entry.text if entry.instruction is None else _wording(rng, entry.instruction)

    def reword(self, rng: np.random.Generator, wrap: Ints) -> Ints:
        """A wording for each row whose template is paraphrased, 0 for the others; shape (n,).

        Args:
            rng: source of chance.
            wrap: number of each row's template, shape (n,).
        """
        wording = np.zeros(len(wrap), dtype=np.int64)
        for number in np.unique(wrap).tolist():
            entry = self._table[number]
            if entry.instruction is not None:
                rows = wrap == number
                wording[rows] = entry.instruction.grammar.draw(rng, int(rows.sum()))
        return wording

    def instruction(self, number: int) -> Instruction | None:
        """The instruction of a paraphrased entry, None for a fixed one."""
        return self._table[number].instruction

    def wrap(self, number: int, code: int, item: str) -> str:
        """The prompt: the item in its wording."""
        entry = self._table[number]
        text = entry.text if entry.instruction is None else entry.instruction.grammar.render(code)
        return text.replace(ITEM, item).strip()

    def _add(self, entry: Wrapping) -> int:
        self._table.append(entry)
        return len(self._table) - 1


def _wording(rng: np.random.Generator, instruction: Instruction) -> str:
    grammar = instruction.grammar
    return grammar.render(int(grammar.draw(rng, 1)[0]))
