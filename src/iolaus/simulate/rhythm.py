"""When requests arrive: daily and weekly rhythms, time zones, sessions and bursts.

With a table of real clients (``--arrivals``), accounts that are programs take their hourly profile, rate and
burstiness from a randomly drawn client instead of the synthetic ones.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from iolaus.errors import InputError
from iolaus.simulate.corpus import read_table
from iolaus.simulate.grammar import Ints

__all__ = ["DAY", "HOUR", "Floats", "RealClients", "Session", "arrivals", "profile", "real_clients"]

Floats = NDArray[np.float64]
HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR

# Relative activity by local hour, drawn by hand after the usual shapes: office hours, evenings, machines.
_HOURS: Final = {
    "office": (1, 1, 1, 1, 1, 2, 4, 10, 22, 30, 32, 28, 20, 27, 31, 30, 26, 18, 10, 8, 7, 6, 4, 2),
    "evening": (6, 3, 2, 1, 1, 1, 3, 6, 9, 10, 11, 12, 14, 13, 12, 13, 15, 18, 22, 27, 30, 28, 20, 12),
    "machine": (9, 8, 8, 8, 8, 9, 10, 12, 13, 14, 14, 14, 13, 14, 14, 14, 13, 13, 12, 12, 11, 11, 10, 9),
    "flat": (1,) * 24,
}
_WEEKEND: Final = {"office": 0.22, "evening": 1.15, "machine": 0.85, "flat": 1.0}


@dataclass(frozen=True, slots=True)
class Session:
    """How requests bunch: mean number in a session, median gap in seconds, spread of the gap's logarithm."""

    mean: float = 5.0
    gap_s: float = 75.0
    spread: float = 1.0


@dataclass(frozen=True, slots=True)
class RealClients:
    """Real clients: hourly profiles, shape (clients, hours), relative rates and burstiness (CV)."""

    hourly: Floats
    rate: Floats
    cv: Floats


def profile(style: str, days: int, weekday: int, zone: float) -> Floats:
    """Relative activity by hour of the log, shape (24 * days,).

    Args:
        style: office, evening, machine or flat.
        days: length of the log.
        weekday: of the first day, 0 for Monday.
        zone: hours ahead of UTC.
    """
    hour = np.arange(24 * days)
    local = (hour + round(zone)) % 24
    day = (weekday + (hour + round(zone)) // 24) % 7
    weights = np.asarray(_HOURS[style], dtype=np.float64)[local]
    return np.where(day >= 5, weights * _WEEKEND[style], weights)


def arrivals(rng: np.random.Generator, n: int, weights: Floats, start: float, end: float, session: Session) -> Ints:
    """Draw ``n`` sorted instants, in µs after the log's start.

    Args:
        rng: source of chance.
        n: how many.
        weights: relative activity by hour of the log.
        start: first instant allowed, in days after the log's start.
        end: last instant allowed, in days.
        session: how they bunch.
    """
    if n == 0:
        return np.empty(0, dtype=np.int64)
    low, high = int(start * DAY), max(int(end * DAY), int(start * DAY) + 1)
    cumulative = np.concatenate([[0.0], np.cumsum(weights + 1e-12)])
    a, b = np.interp([low / HOUR, high / HOUR], np.arange(len(cumulative)), cumulative)
    sessions = max(1, int(rng.poisson(n / max(session.mean, 1.0))))
    begins = np.sort(np.interp(a + (b - a) * rng.random(sessions), cumulative, np.arange(len(cumulative))) * HOUR)
    member = np.sort(rng.integers(0, sessions, n))
    gaps = np.exp(rng.normal(np.log(session.gap_s), session.spread, n)) * 1e6
    first = np.concatenate([[True], member[1:] != member[:-1]])
    gaps[first] = 0.0
    offset = np.cumsum(gaps)
    # Each session's clock starts anew at its own first request.
    offset -= np.maximum.accumulate(np.where(first, offset, 0.0))
    instants = (begins[member] + offset).astype(np.int64)
    # What would run past the end happens somewhere earlier instead, so that counts stay as planned.
    late = (instants >= high) | (instants < low)
    instants[late] = low + (rng.random(int(late.sum())) * (high - low)).astype(np.int64)
    return np.sort(instants)


def real_clients(path: Path, days: int) -> RealClients:
    """Read per-client rates (columns client, window_start_s, rate_rps; model and cv where known).

    Raises:
        InputError: where the table cannot be used.
    """
    columns = read_table(path, ("client", "window_start_s", "rate_rps"), ("model", "cv"))
    try:
        start = np.array(columns["window_start_s"], dtype=np.float64)
        rate = np.nan_to_num(np.array(columns["rate_rps"], dtype=np.float64))
        cv = np.array(columns["cv"], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} holds a window or rate that is no number") from error
    names = np.array([f"{m}/{c}" for m, c in zip(columns["model"], columns["client"], strict=True)])
    clients, index = np.unique(names, return_inverse=True)
    span = 24 * max(1, int(np.ceil((start.max() + 1) / 86_400)))
    hourly = np.zeros((len(clients), span))
    np.add.at(hourly, (index, np.clip(start // 3600, 0, span - 1).astype(np.int64)), rate)
    known = ~np.isnan(cv)
    seen = np.bincount(index[known], minlength=len(clients))
    mean_cv = np.bincount(index[known], weights=cv[known], minlength=len(clients)) / np.maximum(seen, 1)
    live = hourly.sum(axis=1) > 0
    if not live.any():
        raise InputError(f"{path} holds no client with a rate above zero")
    hourly = np.tile(hourly[live], (1, -(-24 * days // span)))[:, : 24 * days]
    total = hourly.mean(axis=1) + 1e-12
    return RealClients(hourly, total / np.exp(np.log(total).mean()), np.where(seen > 0, mean_cv, 1.0)[live])
