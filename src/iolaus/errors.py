"""What can go wrong, drawn once.

IolausError                 anything a user can mend; the command line prints it in one line, exit status 2
├── InputError              a file, row or column that cannot be used
│   └── TooManyRejects      more rows set aside than the user allows
├── OutputError             a folder or file that cannot be written
└── StoreError              a query failed; carries the step's name and its SQL
"""

__all__ = ["InputError", "IolausError", "OutputError", "StoreError", "TooManyRejects"]


class IolausError(Exception):
    """Base of every error that a user can mend; its text is one plain sentence."""


class InputError(IolausError):
    """A file, row or column that cannot be used; the text names which."""


class TooManyRejects(InputError):
    """More rows were set aside than the user allows."""


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
