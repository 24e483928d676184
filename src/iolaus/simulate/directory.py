"""The accounts as columns: all that the log shows of a request beside its texts, for many requests at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iolaus.simulate.grammar import Ints
from iolaus.simulate.people import Account, Habits
from iolaus.simulate.rhythm import HOUR, Floats
from iolaus.simulate.world import World

__all__ = ["Directory"]

_NONE: Final = -1


@dataclass(frozen=True, slots=True)
class _Lists:
    """A list of numbers for each account: all of them in a row, and where each account's begin."""

    values: Ints
    begins: Ints

    @classmethod
    def of(cls, lists: list[list[int]]) -> "_Lists":
        begins = np.concatenate([[0], np.cumsum([len(numbers) for numbers in lists])])
        return cls(np.array([n for numbers in lists for n in numbers], dtype=np.int64), begins)

    def pick(self, account: Ints, lot: Ints) -> Ints:
        """One of each account's numbers; shape (n,)."""
        begin = self.begins[account]
        return self.values[begin + lot % (self.begins[account + 1] - begin)]


@dataclass(frozen=True, slots=True)
class Directory:
    """Accounts as arrays of shape (accounts,), and the tables of networks and clients that they point into.

    Attributes:
        verbosity: factor on the length of written answers.
        cold: whether the account asks at temperature 0.
        operator: number of the account's operator, -1 for none.
    """

    verbosity: Floats
    cold: NDArray[np.bool_]
    operator: Ints
    _text: dict[str, pa.Array]
    _settings: dict[str, NDArray[Any]]
    _ips: _Lists
    _agents: _Lists
    _keys: _Lists
    _tables: dict[str, pa.Array]

    @classmethod
    def of(cls, accounts: list[Account], world: World) -> "Directory":
        """Write the accounts down, and give them their keys."""

        def habit(get: Callable[[Habits], Any], kind: Any) -> NDArray[Any]:  # noqa: ANN401 (any numpy type)
            return np.array([get(a.habits) for a in accounts], dtype=kind)

        heat = habit(lambda h: np.nan if h.temperature is None else h.temperature, np.float64)
        counts = [a.habits.keys for a in accounts]
        ends = np.cumsum([0, *counts])
        keys = _Lists(np.arange(ends[-1]), ends)
        tables = {
            "api_key_id": pa.array([world.token("key") for _ in range(int(ends[-1]))], pa.string()),
            "ip": pa.array([ip for ip, _, _ in world.ips], pa.string()),
            "asn": pa.array([asn for _, asn, _ in world.ips], pa.int64()),
            "country": pa.array([country for _, _, country in world.ips], pa.string()),
            "user_agent": pa.array([agent for agent, _ in world.agents], pa.string()),
            "ja4": pa.array([ja4 for _, ja4 in world.agents], pa.string()),
        }
        return cls(
            verbosity=habit(lambda h: h.verbosity, np.float64),
            cold=heat == 0.0,
            operator=np.array([a.operator for a in accounts]),
            _text={
                "account_id": pa.array([a.account_id for a in accounts], pa.string()),
                "channel": pa.array([a.channel for a in accounts], pa.string()),
            },
            _settings={
                "temperature": heat,
                "spread": habit(lambda h: h.spread, np.float64),
                "max_tokens": habit(lambda h: _NONE if h.max_tokens is None else h.max_tokens, np.int32),
                "stream": habit(lambda h: _NONE if h.stream is None else h.stream, np.int8),
                "rotates": habit(lambda h: h.rotates, np.bool_),
                "keyless": np.array([a.channel == "app" for a in accounts]),
            },
            _ips=_Lists.of([a.ips for a in accounts]),
            _agents=_Lists.of([a.agents for a in accounts]),
            _keys=keys,
            _tables=tables,
        )  # fmt: skip

    def columns(self, account: Ints, salt: Ints, instant: Ints) -> dict[str, pa.Array]:
        """Who sends each request, from where, with which client and settings.

        Args:
            account: number of the account, shape (n,).
            salt: a random number of the request's own, shape (n,).
            instant: µs after the log's start, shape (n,).

        Returns:
            The contract's columns by name, shape (n,) each.
        """
        have = {name: values[account] for name, values in self._settings.items()}
        # Addresses and clients stay for some hours, except where the account rotates them.
        stay = np.where(have["rotates"], salt, (instant // (7 * HOUR) * 2654435761 + account * 40503) >> 7)
        ip, agent = self._ips.pick(account, stay), self._agents.pick(account, stay >> 5)
        key = pa.array(self._keys.pick(account, salt >> 3), mask=have["keyless"])
        heat = have["temperature"] + have["spread"] * ((salt >> 9) % 201 - 100) / 100
        heat = np.where(have["spread"] > 0, np.round(np.clip(heat, 0.0, 2.0), 2), have["temperature"])
        who, tables = pa.array(account), self._tables
        return {
            **{name: values.take(who) for name, values in self._text.items()},
            "api_key_id": tables["api_key_id"].take(key),
            **{name: tables[name].take(pa.array(ip)) for name in ("ip", "asn", "country")},
            **{name: tables[name].take(pa.array(agent)) for name in ("user_agent", "ja4")},
            "temperature": pa.array(heat, mask=np.isnan(heat)),
            "max_tokens": pa.array(have["max_tokens"], mask=have["max_tokens"] == _NONE),
            "stream": pc.cast(pa.array(have["stream"], mask=have["stream"] == _NONE), pa.bool_()),
        }
