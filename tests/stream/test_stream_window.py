"""What a window keeps, and what it lets go of."""

import numpy as np
import pytest
from stream_cases import BEGIN, DAY, HOUR, contents, exchanges, made_up, unjudged

from iolaus.errors import InputError
from iolaus.schema import ACCOUNTS
from iolaus.stream import StreamSettings
from iolaus.stream import stream as of_stream


def numbered(n, account, at=BEGIN, step=1_000_000, **more):
    return [
        {"exchange_id": f"{account}-{i}", "timestamp": at + i * step, "account_id": account, "prompt": f"word {i}"}
        | more
        for i in range(n)
    ]


def test_a_heavy_account_is_thinned_and_a_light_one_is_not():
    stream = unjudged(cap=50)
    stream.take(exchanges(numbered(2_000, "heavy") + numbered(30, "light")))
    arrays, ids, accounts, _ = contents(stream)
    count = dict(zip(accounts, np.bincount(arrays["account"]), strict=True))
    assert count["light"] == 30 and 25 <= count["heavy"] <= 100
    # What stays is spread over the time, not its beginning.
    heavy = arrays["at"][arrays["account"] == accounts.index("heavy")]
    assert heavy.max() - heavy.min() > 0.9 * 2_000 * 1_000_000
    assert len(set(ids)) == len(ids)


def test_caps_differ_so_that_thinned_accounts_do_not_look_alike():
    stream = unjudged(cap=64)
    stream.take(exchanges([row for a in range(40) for row in numbered(300, f"a{a}", step=1_000)]))
    arrays, *_ = contents(stream)
    count = np.bincount(arrays["account"])
    assert count.min() >= 32 and count.max() <= 128 and np.unique(count).size > 20


def test_whole_conversations_stay():
    rows = []
    for c in range(300):
        rows += numbered(3, "talker", at=BEGIN + c * 10_000_000, conversation_id=f"c{c}")
        for turn, row in enumerate(rows[-3:], start=1):
            row |= {"turn": turn, "exchange_id": f"{c}-{turn}"}
    stream = unjudged(cap=60)
    stream.take(exchanges(rows))
    _, ids, *_ = contents(stream)
    kept = [id.split("-")[0] for id in ids]
    assert 0 < len(kept) < len(rows) and all(kept.count(c) == 3 for c in set(kept))


def test_a_continuation_whose_beginning_was_thinned_out_is_left_out():
    # Without conversation ids turns are thinned one by one, and no turn 2 may pass for another account's.
    rows = numbered(1_000, "talker")
    for i, row in enumerate(rows):
        row["turn"] = i % 2 + 1
    stream = unjudged(cap=60)
    stream.take(exchanges(rows))
    view = stream.window
    arrays, *_ = contents(stream)
    assert view.rows > arrays["at"].size
    assert (arrays["numbers/turn"] == 1).all()


def test_old_slices_go_and_what_comes_for_them_is_lost():
    stream = unjudged(width=HOUR, window=DAY)
    stream.take(exchanges(numbered(10, "early") + numbered(10, "later", at=BEGIN + 3 * DAY)))
    stream.mark = BEGIN + 3 * DAY
    stream._settle()
    assert contents(stream)[2] == ["later"] and stream.window.counts.dropped == 1
    stream.take(exchanges(numbered(5, "too-late")))
    assert stream.window.counts.lost == 5 and stream.window.counts.late == 5


def test_the_window_stays_within_its_memory(monkeypatch):
    monkeypatch.setattr(of_stream, "_SETTLES", 500)
    stream = unjudged(width=HOUR, memory=640 << 20, cap=40)
    bound = 400 * (560 + 5_000)
    monkeypatch.setattr(of_stream, "_PROGRAM", stream.settings.memory - bound)
    for part in range(8):
        rows = made_up(1_000, accounts=30, seed=part)
        for row in rows:
            row["timestamp"] += part * 2 * DAY
            row["exchange_id"] = f"{part}{row['exchange_id']}"
            row["account_id"] = f"{part}{row['account_id']}"
        stream.take(exchanges(rows))
        held = stream.window
        assert sum(s.cost for s in held.slices.values()) + held.rows * 5_000 <= bound
    assert 100 < held.rows <= 400 and held.counts.dropped > 0
    # All that was asked of one slice is more than the memory holds: less is kept of every account.
    stream.take(exchanges([r for a in range(60) for r in numbered(40, f"many{a}", at=BEGIN + 20 * DAY, step=1_000)]))
    stream._settle()
    assert held.rows <= 400 and held.cap < 40


def test_accounts_without_rows_are_forgotten_once_they_are_most(monkeypatch):
    monkeypatch.setattr(of_stream, "_SETTLES", 1_000)
    stream = unjudged(width=HOUR, window=DAY)
    for day in range(0, 8, 2):
        rows = [numbered(1, f"d{day}a{i}", at=BEGIN + day * DAY + i * 1_000)[0] for i in range(2_000)]
        stream.take(exchanges(rows))
    assert len(stream.people.ids) < 5_000
    last = sorted(f"d6a{i}" for i in range(2_000))
    view = stream.window.view(stream.people, ACCOUNTS.empty_table())
    assert view.observed.account_ids.to_pylist()[-2_000:] == last
    assert stream.people.count[: len(stream.people.ids)].min() == 1


@pytest.mark.parametrize("fields", [{"memory": 1 << 20}, {"width": 0}, {"every": -1}, {"cap": 0}])
def test_settings_that_cannot_be_kept_are_refused(fields):
    with pytest.raises(InputError):
        StreamSettings(**fields)
