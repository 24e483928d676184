"""What every signal is: a name, what it needs, links it draws, and a test it makes of a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from iolaus.signals.log import Cluster, Log

__all__ = ["Finding", "Links", "Signal", "no_links"]


@dataclass(frozen=True, slots=True)
class Links:
    """Accounts tied to what they share, as edges of a bipartite graph.

    A thing that d accounts share ties them with d edges instead of d² pairs. Two accounts are linked through it with
    the lesser of their two weights.

    Attributes:
        account: int32 (e,) account indices.
        node: int64 (e,) what is shared, numbered from 0.
        weight: float64 (e,) log-odds, in nats.
    """

    account: np.ndarray
    node: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, slots=True)
class Finding:
    """What a signal says of one cluster.

    Attributes:
        signal: the signal's name.
        p_value: under the null that the signal states.
        statement: one plain sentence with counts.
        exchanges: int64, a few exchange indices that show it.
        accounts: int32, a few account indices that show it.
        values: the statistics behind the sentence, by name.
    """

    signal: str
    p_value: float
    statement: str
    exchanges: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    accounts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    values: Mapping[str, float] = field(default_factory=dict)


class Signal(Protocol):
    """One measurement with its null model."""

    @property
    def name(self) -> str:
        """The signal's name in evidence."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns beyond the required ones; without any of them the signal cannot be computed. Empty: none needed."""
        ...

    @property
    def metadata(self) -> bool:
        """Whether it rests on what a client can write as it likes: such evidence is capped."""
        ...

    def links(self, log: Log) -> Links:
        """Ties between accounts; empty for a signal that only tests."""
        ...

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Test the cluster; None where there is nothing to test."""
        ...


def no_links() -> Links:
    """The links of a signal that only tests."""
    return Links(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.float64))
