"""Paired ranks of a suspect among its peers, prompt by prompt and teacher by teacher."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats as sps

from iolaus.errors import InputError
from iolaus.provenance.comparison.likeness import makeup_likeness, phrase_likeness
from iolaus.provenance.comparison.outputs import Outputs
from iolaus.stats import benjamini_hochberg

__all__ = ["FLIPS", "TRIAGE", "Comparison", "Resemblance", "compare", "leading", "paired_ranks"]

TRIAGE: Final = (
    "Triage only. Resemblance is no proof of training: models share data, ancestors and fashions, and an innocent one "
    "can stand first. Use this to decide whom to test with twin coins or a watermark, and for nothing else."
)
FLIPS: Final = 9999
_LEAST_CONTROLS: Final = 5


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How a suspect resembles one teacher.

    Args:
        teacher: name.
        score: mean paired rank among the peers, from -0.5 to 0.5; 0 is the middle.
        rank: place among the peers, 1 for the most alike.
        nearest: the peer that is most alike.
        lead: how far the suspect's score is above that peer's.
        p_value: chance of so large a lead if, prompt by prompt, it could as well have had the other sign.
        q_value: after Benjamini and Hochberg over the teachers.
        leans: first among its peers, and the lead is no accident of the prompts.
    """

    teacher: str
    score: float
    rank: int
    nearest: str
    lead: float
    p_value: float
    q_value: float
    leans: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A suspect's resemblance to several teachers.

    Args:
        suspect: name.
        controls: names of the peers.
        prompts: how many prompts all answered.
        fdr: false-discovery rate over the teachers.
        teachers: one entry a teacher, most alike first.
    """

    suspect: str
    controls: tuple[str, ...]
    prompts: int
    fdr: float
    teachers: tuple[Resemblance, ...]

    @property
    def chance(self) -> float:
        """How often a model that is one of its peers stands first for one teacher: 1 in (peers + 1)."""
        return 1 / (len(self.controls) + 1)

    @property
    def sentence(self) -> str:
        """The finding in words; begins with what it is not."""
        leaning = [one.teacher for one in self.teachers if one.leans]
        named = (
            f"it resembles {' and '.join(leaning)} more than each of them does"
            if leaning
            else ("it resembles no teacher more than all of them do")
        )
        return (
            f"Triage only, no proof of training: among {len(self.controls)} peers on {self.prompts} prompts {named}. "
            f"A model like its peers stands first for one given teacher with a chance of {self.chance:.1%}."
        )

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"triage": TRIAGE, "sentence": self.sentence, "chance_of_standing_first": self.chance}


def compare(
    outputs: Outputs,
    teachers: int,
    *,
    fdr: float = 0.05,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Rank a suspect among its peers by likeness to each teacher.

    For each prompt, teacher and kind of likeness the suspect and its peers are ranked (see `paired_ranks`). A teacher
    is named only if the suspect stands before every peer and its lead over the nearest is no accident of the prompts
    (sign flips over prompts).

    Args:
        outputs: suspect first, teachers last.
        teachers: how many teachers there are; at least two, for the question is which.
        fdr: false-discovery rate over teachers.
        seed: of the sign flips.
        progress: is told how many prompts are done.

    Raises:
        InputError: fewer than two teachers or five peers.
    """
    controls = outputs.models[1:-teachers]
    if teachers < 2 or len(controls) < _LEAST_CONTROLS:
        raise InputError(
            f"a comparison needs at least 2 teachers and {_LEAST_CONTROLS} controls, not {teachers} and {len(controls)}"
        )
    ranks = np.empty((len(outputs.prompts), len(controls) + 1, teachers))
    for number, answers in enumerate(outputs.answers):
        ranks[number] = paired_ranks(answers, teachers)
        progress(number + 1)
    names = outputs.models[-teachers:]
    rows = _resemblances(ranks, names, controls, fdr, np.random.default_rng(seed))
    return Comparison(outputs.models[0], controls, len(outputs.prompts), fdr, rows)


def paired_ranks(answers: Sequence[str], teachers: int) -> NDArray[np.float64]:
    """(peers, teachers) ranks for one prompt, from -0.5 (least alike) to 0.5, mean over kinds of likeness.

    Ranked is how much more alike an answer is to this teacher's than to the teachers' on average, so that who
    resembles everybody stands in the middle.
    """
    total = np.zeros((len(answers) - teachers, teachers))
    for likeness in (phrase_likeness, makeup_likeness):
        found = likeness(answers, teachers)
        total += (sps.rankdata(found - found.mean(axis=1, keepdims=True), axis=0) - 0.5) / len(total) - 0.5
    return total / 2


def leading(gaps: NDArray[np.float64], chance: np.random.Generator, flips: int = FLIPS) -> float:
    """P(mean of gaps at least as large) when each gap could as well have the other sign; exact for symmetric gaps.

    Args:
        gaps: (prompts,) paired differences.
        chance: draws the signs.
        flips: how many.
    """
    reached = 0
    for begin in range(0, flips, 1000):
        signs = chance.integers(0, 2, (min(1000, flips - begin), gaps.size)) * 2.0 - 1
        reached += int((signs @ gaps >= gaps.sum() - 1e-12).sum())
    return (1 + reached) / (1 + flips)


def _resemblances(
    ranks: NDArray[np.float64],
    teachers: Sequence[str],
    controls: Sequence[str],
    fdr: float,
    chance: np.random.Generator,
) -> tuple[Resemblance, ...]:
    scores = ranks.mean(axis=0)
    nearest = 1 + scores[1:].argmax(axis=0)
    p_values = [leading(ranks[:, 0, at] - ranks[:, near, at], chance) for at, near in enumerate(nearest)]
    found = [
        Resemblance(
            teacher=teacher,
            score=float(scores[0, at]),
            rank=1 + int((scores[1:, at] >= scores[0, at]).sum()),
            nearest=controls[nearest[at] - 1],
            lead=float(scores[0, at] - scores[nearest[at], at]),
            p_value=p_values[at],
            q_value=float(q),
            leans=bool(q <= fdr and scores[0, at] > scores[nearest[at], at]),
        )
        for at, (teacher, q) in enumerate(zip(teachers, benjamini_hochberg(p_values), strict=True))
    ]
    return tuple(sorted(found, key=lambda one: (-one.score, one.teacher)))
