"""How a stream is cut, and where it is stopped and begun again, changes nothing."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_cases import BEGIN, DAY, HOUR, batches, contents, exchanges, found, made_up, over, same, unjudged

from iolaus.errors import InputError
from iolaus.stream import StreamSettings
from iolaus.stream.checkpoint import Checkpoints

ROWS = made_up(400, seed=3)


def begun_again(stream, folder, position=None):
    """The stream after a stop: from its checkpoint alone."""
    Checkpoints(folder).save(stream, position)
    accounts = stream.accounts
    stream, position = Checkpoints(folder).load(stream.settings)
    stream.accounts = accounts
    return stream


@settings(max_examples=25)
@given(
    cuts=st.lists(st.integers(1, len(ROWS) - 1), max_size=4, unique=True),
    stops=st.sets(st.integers(0, 4)),
    again=st.lists(st.integers(0, len(ROWS) - 1), max_size=20),
)
def test_cuts_stops_and_repeats_change_nothing(tmp_path_factory, cuts, stops, again):
    whole = unjudged(cap=20)
    whole.take(exchanges(ROWS))
    assert contents(whole)[1] != [row["exchange_id"] for row in ROWS]
    stream = unjudged(cap=20)
    edges = [0, *sorted(cuts), len(ROWS)]
    for number, (start, end) in enumerate(itertools.pairwise(edges)):
        stream.take(exchanges(ROWS[start:end]))
        if number in stops:
            stream = begun_again(stream, tmp_path_factory.mktemp("stop"))
    if again:
        stream.take(exchanges([ROWS[i] for i in again]))
    assert same(contents(stream), contents(whole))
    assert stream.window.counts.read == len(ROWS) + len(again)


def test_order_changes_nothing_that_is_kept():
    rng = np.random.default_rng(5)
    whole, mixed = unjudged(cap=20), unjudged(cap=20)
    whole.take(exchanges(ROWS))
    for part in np.array_split(rng.permutation(len(ROWS)), 7):
        mixed.take(exchanges([ROWS[i] for i in part]))
        mixed._settle()
    assert same(contents(mixed), contents(whole))
    assert mixed.window.counts.late > 0 == whole.window.counts.late


def test_a_judged_stream_that_is_stopped_at_random_finds_the_same(naive, tmp_path):
    rng = np.random.default_rng(8)
    straight, stopped = (over(naive, every=0, every_rows=1_450) for _ in range(2))
    for batch in batches(naive):
        straight.take(batch)
    for batch in batches(naive, 311):
        stopped.take(batch)
        if rng.random() < 0.5:
            stopped = begun_again(stopped, tmp_path)
    assert stopped.judged == straight.judged >= 2
    assert found(stopped) == found(straight)
    assert stopped.known.keys() == straight.known.keys()
    assert stopped.lookout.necks.keys() == straight.lookout.necks.keys()
    assert len(list(tmp_path.glob("*.arrow"))) == len(stopped.window.slices) + 2


def test_a_checkpoint_that_cannot_be_used_says_so(tmp_path):
    stream = unjudged()
    stream.take(exchanges(ROWS[:20]))
    places = Checkpoints(tmp_path)
    assert places.load(stream.settings) is None
    places.save(stream, {"at": 7})
    assert Checkpoints(tmp_path).load(stream.settings)[1] == {"at": 7}
    with pytest.raises(InputError, match="another width"):
        Checkpoints(tmp_path).load(StreamSettings(width=HOUR))
    manifest = tmp_path / "checkpoint.json"
    document = json.loads(manifest.read_text())
    next(tmp_path.glob("slice*")).write_bytes(b"ARROW1")
    with pytest.raises(InputError, match="damaged"):
        Checkpoints(tmp_path).load(stream.settings)
    manifest.write_text(json.dumps(document | {"schema": "iolaus.stream/9"}))
    with pytest.raises(InputError, match="of this version"):
        Checkpoints(tmp_path).load(stream.settings)
    manifest.write_text('{"schema": ')
    with pytest.raises(InputError, match="cannot be read"):
        Checkpoints(tmp_path).load(stream.settings)


def test_a_clock_that_is_off_does_not_carry_the_stream_away():
    rows = made_up(300, seed=2)
    rows[50]["timestamp"] = BEGIN + 30_000 * DAY
    rows[51]["timestamp"] = BEGIN - 9_000 * DAY
    stream = unjudged()
    stream.take(exchanges(rows))
    assert stream.mark == max(row["timestamp"] for i, row in enumerate(rows) if i not in (50, 51))
    # A log that was silent for a while is followed.
    for i, row in enumerate(more := made_up(150, seed=4)):
        row["exchange_id"], row["timestamp"] = f"later{i}", row["timestamp"] + 9 * DAY
    stream.take(exchanges(more))
    assert stream.mark == max(row["timestamp"] for row in more)
