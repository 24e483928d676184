"""A budget of queries that refuses before it is overspent."""

import threading

from iolaus.errors import BudgetSpent

__all__ = ["Budget"]


class Budget:
    """Counts queries; safe across threads.

    Args:
        queries: most queries that may be sent; None for no bound.

    Raises:
        ValueError: a bound below zero.
    """

    def __init__(self, queries: int | None = None) -> None:
        if queries is not None and queries < 0:
            raise ValueError(f"a budget cannot be negative: {queries}")
        self._bound, self._spent, self._lock = queries, 0, threading.Lock()

    @property
    def spent(self) -> int:
        """Queries sent so far that may have cost something."""
        return self._spent

    @property
    def left(self) -> int | None:
        """Queries left; None for no bound."""
        return None if self._bound is None else self._bound - self._spent

    def require(self, queries: int) -> None:
        """Refuse a batch as a whole, before its first query.

        Raises:
            BudgetSpent: the batch does not fit into what is left.
        """
        left = self.left
        if left is not None and queries > left:
            raise BudgetSpent(f"{queries} queries are needed and {left} of the budget of {self._bound} are left")

    def take(self) -> None:
        """Take one query.

        Raises:
            BudgetSpent: none is left.
        """
        with self._lock:
            if self._bound is not None and self._spent >= self._bound:
                raise BudgetSpent(f"the budget of {self._bound} queries is spent")
            self._spent += 1

    def give_back(self) -> None:
        """Return a query that the endpoint refused to serve."""
        with self._lock:
            self._spent -= 1
