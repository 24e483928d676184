"""Synchrony: independent days are no finding, nor is what everybody does; starting and stopping together is."""

import numpy as np
import pytest
from signals_logs import START, assert_super_uniform, cluster_of, hours, make_log

from iolaus.signals import DAY
from iolaus.signals.synchrony import SynchronySignal

SEEDS = 200
DAYS = 14
MEMBERS = 6
WEEKEND = (np.arange(DAYS) % 7) >= 5


def rhythm(rng, shifted):
    """Instants of one account with hours, working days and a stretch of days of its own, in no relation to others'.

    ``shifted`` turns its days in a circle, which is the null as the signal states it; else its days are drawn anew.
    """
    start, length = rng.integers(0, DAYS), rng.integers(3, DAYS + 1)
    stretch = np.isin(np.arange(DAYS), (start + np.arange(length)) % DAYS) if shifted else np.ones(DAYS, bool)
    active = stretch & (rng.random(DAYS) < np.where(WEEKEND, rng.uniform(0, 0.6), rng.uniform(0.3, 1.0)))
    if shifted:
        for kind in (WEEKEND, ~WEEKEND):
            active[kind] = np.roll(active[kind], rng.integers(kind.sum()))
    low = rng.uniform(0, 14)
    counts = rng.geometric(0.3, DAYS) * active
    day = np.repeat(np.arange(DAYS), counts)
    return START + day * DAY + hours(rng, day.size, low, low + 8)


def judged(times, members=MEMBERS):
    account = np.repeat(np.arange(len(times)), [t.size for t in times])
    log = make_log(account, np.concatenate(times), accounts=len(times))
    return SynchronySignal().judge(log, cluster_of(log, range(members)))


def p_of(finding):
    return 1.0 if finding is None else finding.p_value


@pytest.mark.parametrize("shifted", [True, False], ids=["days in a circle", "days drawn anew"])
def test_independent_rhythms_are_no_finding(shifted):
    p_values = []
    for seed in range(SEEDS):
        rng = np.random.default_rng([1, seed])
        p_values.append(p_of(judged([rhythm(rng, shifted) for _ in range(25)])))
    assert_super_uniform(p_values)


def test_an_outage_and_a_release_that_everybody_feels_are_no_finding():
    p_values = []
    for seed in range(SEEDS):
        rng = np.random.default_rng([2, seed])
        times = []
        for _ in range(30):
            at = rhythm(rng, False)
            day = (at - START) // DAY
            # Nobody on the fifth day, many twice as much on the ninth.
            times.append(np.concatenate([at[day != 4], at[(day == 8) & (rng.random(at.size) < 0.5)] + 1]))
        p_values.append(p_of(judged(times)))
    assert_super_uniform(p_values)


@pytest.mark.parametrize("pattern", ["one week", "days on and off", "one hour"])
def test_a_common_schedule_is_found(pattern):
    rng = np.random.default_rng(3)
    days = {"one week": range(3, 9), "days on and off": (1, 2, 5, 8, 11, 12), "one hour": range(DAYS)}[pattern]
    common = rng.uniform(0, 23, DAYS)
    times = []
    for member in range(40):
        if member >= 8:
            times.append(rhythm(rng, False))
            continue
        low = rng.uniform(6, 12)
        spans = [(common[d], common[d] + 1) if pattern == "one hour" else (low, low + 9) for d in days]
        parts = [START + d * DAY + hours(rng, 5, *span) for d, span in zip(days, spans, strict=True)]
        times.append(np.concatenate(parts))
    finding = judged(times, members=8)
    assert finding.p_value < 0.005
    assert finding.statement.startswith("8 accounts move together on the scale of")


def test_a_log_of_days_or_a_pair_is_not_judged():
    rng = np.random.default_rng(4)
    times = [rhythm(rng, False) for _ in range(20)]
    assert judged(times, members=2) is None
    short = [START + hours(rng, 20) + DAY * rng.integers(0, 3, 20) for _ in range(20)]
    assert judged(short) is None
