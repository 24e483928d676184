"""Plain words for what the pipeline names in short: verdicts, axes, signals, capabilities, strength."""

import math
from dataclasses import dataclass
from typing import Final

from iolaus.report.odds import METADATA
from iolaus.stats import log_odds_bound

__all__ = [
    "AXES",
    "LOOKED_FOR",
    "Strength",
    "VerdictWords",
    "capability_words",
    "chance_words",
    "missing_words",
    "q_words",
    "signal_words",
    "strength_of",
    "verdict_words",
]


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """A verdict for readers.

    Attributes:
        label: its name.
        short: its name in a word, for the terminal.
        mark: tells verdicts apart where colour does not.
        meaning: what it says of the accounts.
        action: what to do.
    """

    label: str
    short: str
    mark: str
    meaning: str
    action: str


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong evidence is: words, and a level from 0 to 5."""

    words: str
    level: int


_VERDICTS: Final = {
    "distillation_campaign": VerdictWords(
        "Distillation campaign",
        "distillation",
        "◆",
        "These accounts act as one operator, hide that they do, and collect answers the way training data are"
        " collected.",
        "First go through what would clear the accounts, below. Then act on all of them at once: accounts"
        " closed one by one are replaced. Keep the log as evidence.",
    ),
    "coordinated_open": VerdictWords(
        "Coordinated, openly",
        "open",
        "■",
        "These accounts act as one operator and collect answers the way training data are collected, but they"
        " openly belong to one organisation.",
        "This is a question of policy, not of abuse: compare the use with the customer's agreement, and ask them.",
    ),
    "coordinated_other": VerdictWords(
        "Coordinated, not extracting",
        "other",
        "▲",
        "These accounts act as one operator, but their traffic does not look like training data being collected.",
        "Look for another explanation: a shared tool, resold access, or another kind of abuse. Nothing here"
        " calls for action on distillation.",
    ),
    "inconclusive": VerdictWords(
        "Inconclusive",
        "inconclusive",
        "○",
        "Something ties these accounts together, but not enough to say what.",
        "Take no action on this alone. Run again when more traffic has arrived, or with the missing columns.",
    ),
}

# Each axis: name, the question it answers, what a high score means.
AXES: Final = (
    ("coordination", "Coordination", "Do the accounts move as one?"),
    ("concealment", "Concealment", "Do they hide that they belong together?"),
    ("extraction", "Extraction", "Does the traffic look like training data being collected?"),
)

_SIGNALS: Final = {
    "families": ("Shared prompt templates", "prompts made from one template by several accounts"),
    "paraphrase": ("Pool of wordings", "one pool of turns of phrase, put together ever anew"),
    "profile": ("Common mixture of subjects", "accounts that ask about the same mixture of things"),
    "queue": ("Work queue", "a list of tasks dealt out so that no two accounts repeat one"),
    "handoff": ("Conversation hand-off", "one account continuing a conversation that another began"),
    "mixture": (
        "Dealt from one queue",
        "exchanges as alike across accounts as within each, as if dealt out at random",
    ),
    "balance": ("Load balancing", "rates more equal than independent users' rates are"),
    "onset": ("Common onset", "accounts created, beginning or ending together"),
    "synchrony": ("Synchrony", "starts, stops, pauses and rates that change together"),
    "succession": ("Succession", "new accounts taking over as others are closed or refused"),
    "pivot": ("Release pivot", "a group moving to a new model within hours of its release"),
    "infrastructure": ("Shared infrastructure", "payment instruments, addresses and clients in common"),
    "concealment": ("Concealment", "many unrelated identities for what moves as one"),
    "extraction": (
        "Training-shaped traffic",
        "coverage without repetition, elicited reasoning, output-heavy calls",
    ),
}
LOOKED_FOR: Final = tuple(_SIGNALS[name] for name in ("families", "queue", "handoff", "synchrony", "infrastructure"))

_CAPABILITIES: Final = {
    "reasoning": "Step-by-step reasoning",
    "grading": "Grading against rubrics",
    "tool_use": "Tool use",
    "safe_rewriting": "Rewriting around refusals",
    "synthesis": "Synthetic training data",
    "code": "Code",
}

# Jeffreys' grades of a Bayes factor, in nats: 3, 10, 100, 10,000 to one.
_GRADES: Final = (
    (math.log(1e4), Strength("overwhelming", 5)),
    (math.log(100), Strength("very strong", 4)),
    (math.log(10), Strength("strong", 3)),
    (math.log(3), Strength("moderate", 2)),
    (0.0, Strength("weak", 1)),
)


def _spoken(name: str) -> str:
    return name.replace("_", " ").strip().capitalize() or "Unnamed"


def verdict_words(verdict: str) -> VerdictWords:
    """A verdict's words; a verdict that is not known keeps its name and promises nothing."""
    known = _VERDICTS.get(verdict)
    spoken = _spoken(verdict)
    return known or VerdictWords(spoken, spoken[:14], "○", "This version of the report does not know this verdict.", "")


def signal_words(kind: str) -> tuple[str, str]:
    """A signal's title and a gloss of what it looks for (empty where the signal is not known)."""
    return _SIGNALS.get(kind, (_spoken(kind), ""))


def capability_words(name: str) -> str:
    """A capability's name for readers."""
    return _CAPABILITIES.get(name, _spoken(name))


def missing_words(name: str) -> tuple[str, str]:
    """A missing signal's title, and what its absence means for the findings.

    Args:
        name: a signal, or a signal with the columns that it had to do without: ``infrastructure (ja4, ip)``.
    """
    kind, _, rest = name.partition(" (")
    columns = rest.removesuffix(")").strip()
    title, gloss = signal_words(kind.strip())
    if columns:
        return title, f"Looked for {gloss or 'it'}, but without what the log lacks: {columns}."
    if not gloss:
        return title, "The log lacks the columns it reads, so it spoke neither for nor against any account."
    return title, f"Could not look for {gloss}, because the log lacks the columns for it."


def strength_of(p_value: float, kind: str) -> Strength:
    """How strong evidence with this p-value can be at most; metadata never counts as more than strong."""
    nats = log_odds_bound(p_value)
    if nats <= 0:
        return Strength("none", 0)
    grade = next(grade for floor, grade in _GRADES if nats >= floor)
    return Strength("strong at most", 3) if kind in METADATA and grade.level > 3 else grade


def _one_in(odds: float) -> str:
    for size, noun in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if odds >= size * 0.9995:
            return f"{float(f'{odds / size:.2g}'):g} {noun}"
    return f"{round(float(f'{odds:.2g}')):,}" if odds >= 10 else f"{odds:.1f}".removesuffix(".0")


def chance_words(p_value: float) -> str:
    """A p-value as a plain sentence."""
    if p_value >= 0.5:
        return "Unrelated accounts would usually show as much."
    if p_value > 0.2:
        return "Unrelated accounts would often show as much."
    at_most = "at most " if p_value <= 1.01e-12 else ""
    rarity = f"{at_most}about once in {_one_in(1 / p_value)} tries"
    return f"Unrelated accounts would show as much by chance {rarity}."


def q_words(q_value: float) -> str:
    """A q-value as a plain sentence."""
    if q_value <= 0:
        return "Of campaigns at least this sure, practically none is expected to be a false alarm."
    if q_value >= 0.5:
        return "Of campaigns at least this sure, half or more are expected to be false alarms."
    return f"Of campaigns at least this sure, about 1 in {_one_in(1 / q_value)} is expected to be a false alarm."
