"""What can go wrong, drawn once.

IolausError                 anything a user can mend; the command line prints it in one line, exit status 2
├── InputError              a file, row or column that cannot be used
│   ├── PlanError           a plan of distillation that cannot be carried out
│   ├── StaleCache          a teacher's cache made from something else, or damaged
│   └── TooManyRejects      more rows set aside than the user allows
├── OutputError             a folder or file that cannot be written
├── EngineError             an engine that cannot be started or reached
├── EvidenceError           a vault or a case file that is not as it was sealed
├── ModelError              a language model cannot be reached or used
│   ├── AccessError         it does not give what is asked of it
│   ├── AnswerError         what it answered cannot be used
│   └── BudgetSpent         the budget of queries does not allow it
├── StateError              a folder of kept reading that cannot be used
├── StoreError              a query failed; carries the step's name and its SQL
└── TrainingError           training that cannot go on
"""

__all__ = [
    "AccessError",
    "AnswerError",
    "BudgetSpent",
    "EngineError",
    "EvidenceError",
    "InputError",
    "IolausError",
    "ModelError",
    "OutputError",
    "PlanError",
    "StaleCache",
    "StateError",
    "StoreError",
    "TooManyRejects",
    "TrainingError",
]


class IolausError(Exception):
    """Base of every error that a user can mend; its text is one plain sentence."""


class InputError(IolausError):
    """A file, row or column that cannot be used; the text names which."""


class TooManyRejects(InputError):
    """More rows were set aside than the user allows."""


class PlanError(InputError):
    """A plan of distillation that cannot be carried out; the text names the key."""


class StaleCache(InputError):
    """A teacher's cache that was made from another teacher, tokenizer or corpus, or is damaged."""


class TrainingError(IolausError):
    """Training that cannot go on; the last checkpoint is whole."""


class OutputError(IolausError):
    """A folder or file that cannot be written; what was there before is untouched."""


class StoreError(IolausError):
    """A query failed.

    Args:
        step: name of the step that failed.
        sql: the statement as it was sent.
        reason: the engine's own words.
    """

    def __init__(self, step: str, sql: str, reason: str) -> None:
        super().__init__(f"step {step!r} failed: {reason}")
        self.step, self.sql, self.reason = step, sql, reason


class EngineError(IolausError):
    """An engine that cannot be started or reached; the text says what it needs."""


class StateError(IolausError):
    """A folder of kept reading that cannot be used; the text names it."""


class EvidenceError(IolausError):
    """A vault or a case file that is not as it was sealed; the text names file and line."""


class ModelError(IolausError):
    """A language model that cannot be reached, loaded or used; the text names it."""


class AccessError(ModelError):
    """A model does not give what is asked of it, such as log-probabilities."""


class AnswerError(ModelError):
    """What a model answered cannot be used."""


class BudgetSpent(ModelError):
    """The budget of queries does not allow what is asked; nothing was sent."""
