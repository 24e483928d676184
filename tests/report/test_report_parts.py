import dataclasses

import pytest
from report_casebooks import HOUR_US, hydra, tool_users

from iolaus.campaign import GraphEdge, Timeline
from iolaus.report.graph import HEIGHT, WIDTH, graph_view
from iolaus.report.printable import clean, power, share, short, span_of
from iolaus.report.timeline import timeline_view
from iolaus.report.words import (
    capability_words,
    chance_words,
    missing_words,
    q_words,
    signal_words,
    strength_of,
    verdict_words,
)
from iolaus.signals import SIGNALS


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (0.9999, "1"),
        (0.05, "0.05"),
        (0.5, "0.5"),
        (2.1e-9, "2.1 × 10⁻⁹"),
        (1e-12, "10⁻¹²"),
        (0, "0"),
    ],
)
def test_power(value, text):
    assert power(value) == text


def test_short_share_and_span():
    assert [short(v) for v in (None, 0, 9_999, 12_340, 61_204_411, 318_993_020, 2 * 10**12)] == [
        "–", "0", "9,999", "12.3k", "61.2M", "319M", "2.0T",
    ]  # fmt: skip
    assert [share(v) for v in (0, 0.0004, 0.031, 0.81, 1)] == ["0%", "<0.1%", "3.1%", "81%", "100%"]
    assert [span_of(v) for v in (HOUR_US, 2 * HOUR_US, 24 * HOUR_US, 90_000_000)] == [
        "hour", "2 hours", "day", "1.5 minutes",
    ]  # fmt: skip


def test_clean_keeps_what_can_be_read():
    assert clean("a\tb\nc\r\nd שלום 中文 👩‍💻") == "a\tb\nc\nd שלום 中文 👩‍💻"
    assert clean("\x00\u202e\ufeff\U000e0041\udfff") == "⟨U+0000⟩⟨U+202E⟩⟨U+FEFF⟩⟨U+E0041⟩⟨U+DFFF⟩"


@pytest.mark.parametrize("name", [*(signal.name for signal in SIGNALS), "concealment", "extraction"])
def test_every_signal_has_words_for_readers(name):
    title, gloss = signal_words(name)
    assert title != name.capitalize() or name in ("concealment", "synchrony")
    assert gloss


def test_words_for_chance():
    assert chance_words(1) == "Unrelated accounts would usually show as much."
    assert "often" in chance_words(0.3)
    assert chance_words(0.05).endswith("about once in 20 tries.")
    assert "at most about once in 1 trillion" in chance_words(1e-12)
    assert "practically none" in q_words(0) and "half or more" in q_words(0.7)
    assert "about 1 in 32 is expected" in q_words(0.031)


def test_unknown_names_get_plain_words():
    assert verdict_words("new_verdict").label == "New verdict"
    assert capability_words("long_context") == "Long context"
    assert missing_words("tide")[0] == "Tide" and "lacks the columns" in missing_words("tide")[1]


def test_strength_in_words():
    grades = [strength_of(p, "queue").words for p in (0.5, 0.1, 0.02, 0.005, 1e-4, 1e-9)]
    assert grades == ["none", "weak", "moderate", "strong", "very strong", "overwhelming"]
    assert strength_of(1e-9, "infrastructure").level == 3


def test_timeline_joins_bins_and_keeps_sums():
    bins = 1000
    view = timeline_view(Timeline(0, HOUR_US, (2,) * bins, (1,) * bins, tuple(range(bins))))
    assert len(view.bars) <= 180 and view.bin_width == "6 hours"
    assert "12 harvested, 6 other" in view.bars[0].title
    assert all(0 <= bar.cover_y <= bar.harvested_y <= 100 for bar in view.bars)
    assert len(view.time_ticks) <= 7 and all(0 <= tick.at < 94 for tick in view.time_ticks)


@pytest.mark.parametrize("bins", [0, 1, 2])
def test_timeline_of_next_to_nothing(bins):
    view = timeline_view(Timeline(5, 1_000_000, (0,) * bins, (0,) * bins, (0,) * bins))
    assert len(view.bars) == bins and view.summary == "No exchange falls into the time shown."


def test_graph_is_inside_its_frame_and_repeatable():
    view = graph_view(hydra())
    assert view == graph_view(hydra())
    assert len(view.dots) == 150 and len(view.lines) <= 450
    assert all(0 < dot.x < WIDTH and 0 < dot.y < HEIGHT for dot in view.dots)
    assert len({(dot.x, dot.y) for dot in view.dots}) == 150


def test_graph_does_not_hang_on_the_order_of_its_input():
    dossier = tool_users()
    turned = dataclasses.replace(dossier, members=dossier.members[::-1], edges=dossier.edges[::-1])
    assert graph_view(turned) == graph_view(dossier)


def test_graph_leaves_out_strangers_and_loops():
    dossier = tool_users()
    ids = [m.account_id for m in dossier.members]
    odd = (GraphEdge(ids[0], "stranger", 9.0, "queue"), GraphEdge(ids[1], ids[1], 9.0, "queue"))
    view = graph_view(dataclasses.replace(dossier, edges=odd))
    assert view.lines == () and "No links between them were kept." in view.caption
    one = dataclasses.replace(dossier, members=dossier.members[:1], edges=())
    assert len(graph_view(one).dots) == 1
    assert graph_view(dataclasses.replace(dossier, members=(), edges=())).dots == ()
