"""The account graph of a campaign, laid out the same way every time."""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np

from iolaus.campaign import Dossier, GraphEdge, Member
from iolaus.report.printable import count, plural
from iolaus.report.words import signal_words

__all__ = ["Dot", "GraphView", "Line", "graph_view"]

WIDTH: Final = 640.0
HEIGHT: Final = 420.0
_MARGIN: Final = 22.0
_EDGES_PER_NODE: Final = 3
_ROUNDS: Final = 160
# Kinds that get a colour and a dash of their own, in the legend's order; all others share the last one.
_KINDS: Final = ("families", "queue", "handoff", "synchrony", "infrastructure")


@dataclass(frozen=True, slots=True)
class Dot:
    """An account: place and radius, its id, and what hovering says."""

    index: int
    x: float
    y: float
    radius: float
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """A link: the two dots it joins, its ends, width, style, and what hovering says."""

    source: int
    target: int
    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    style: str
    title: str


@dataclass(frozen=True, slots=True)
class GraphView:
    """Everything that the drawing of a graph needs."""

    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    kinds: tuple[tuple[str, str], ...]
    caption: str


def _drawn_members(dossier: Dossier, most: int) -> list[Member]:
    """The accounts with the strongest links, then with the most harvested exchanges."""
    strength: dict[str, float] = defaultdict(float)
    for edge in sorted(dossier.edges, key=_edge_key):
        strength[edge.source] += edge.weight
        strength[edge.target] += edge.weight
    ranked = sorted(dossier.members, key=lambda m: (-strength[m.account_id], -m.harvested_count, m.account_id))
    return ranked[:most]


def _edge_key(edge: GraphEdge) -> tuple[float, str, str, str]:
    return (-edge.weight, edge.source, edge.target, edge.kind)


def _drawn_edges(edges: tuple[GraphEdge, ...], drawn: set[str]) -> tuple[list[GraphEdge], int]:
    """A strongest spanning forest, then the strongest others; and how many there are in all."""
    usable = sorted(
        (e for e in edges if e.source in drawn and e.target in drawn and e.source != e.target), key=_edge_key
    )
    parent = {name: name for name in drawn}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    forest, others = [], []
    for edge in usable:
        a, b = root(edge.source), root(edge.target)
        if a != b:
            parent[a] = b
            forest.append(edge)
        else:
            others.append(edge)
    room = max(_EDGES_PER_NODE * len(drawn) - len(forest), 0)
    return sorted(forest + others[:room], key=_edge_key, reverse=True), len(usable)


def _start(nodes: int) -> np.ndarray:
    """Places on a sunflower spiral, float64 (n, 2): even, and without chance."""
    turn = math.pi * (3 - math.sqrt(5))
    places = [
        (math.sqrt((i + 0.5) / nodes) * math.cos(i * turn), math.sqrt((i + 0.5) / nodes) * math.sin(i * turn))
        for i in range(nodes)
    ]
    return np.round(np.array(places, dtype=np.float64).reshape(nodes, 2), 6)


def _layout(nodes: int, ends: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Force-directed places, float64 (n, 2).

    Fruchterman and Reingold, "Graph drawing by force-directed placement" (1991), with a pull to the middle
    that keeps loose parts in sight. Only sums, products and roots, rounded in each round, so that machines
    agree.
    """
    at = _start(nodes)
    ideal = 1.6 / math.sqrt(max(nodes, 1))
    for turn in range(_ROUNDS):
        between = at[:, None, :] - at[None, :, :]
        squared = np.maximum(between[..., 0] ** 2 + between[..., 1] ** 2, 1e-6)
        push = (between * (ideal * ideal / squared)[..., None]).sum(axis=1)
        if len(ends):
            along = at[ends[:, 1]] - at[ends[:, 0]]
            length = np.sqrt(along[:, 0] ** 2 + along[:, 1] ** 2)
            tug = along * (length / ideal * pull)[:, None]
            np.add.at(push, ends[:, 0], tug)
            np.subtract.at(push, ends[:, 1], tug)
        push -= at * 0.9
        size = np.sqrt(push[:, 0] ** 2 + push[:, 1] ** 2)
        limit = 0.12 * (1 - turn / _ROUNDS) + 0.002
        at = np.round(at + push * (np.minimum(size, limit) / np.maximum(size, 1e-9))[:, None], 6)
    return at


def _fitted(at: np.ndarray) -> np.ndarray:
    """Places scaled to fill the drawing, each axis by its own measure."""
    if len(at) == 1:
        return np.array([[WIDTH / 2, HEIGHT / 2]])
    low, high = at.min(axis=0), at.max(axis=0)
    room = np.array([WIDTH - 2 * _MARGIN, HEIGHT - 2 * _MARGIN])
    fitted: np.ndarray = _MARGIN + (at - low) / np.maximum(high - low, 1e-9) * room
    return fitted


def _style(kind: str) -> str:
    return kind if kind in _KINDS else "other"


def _caption(dossier: Dossier, dots: int, lines: int, usable: int) -> str:
    total = len(dossier.campaign.accounts)
    parts = []
    if total > dots:
        parts.append(f"The {count(dots)} accounts with the strongest links are drawn, {count(total - dots)} are not.")
    else:
        parts.append(f"All {plural(total, 'account')} drawn." if total > 1 else "One account.")
    if usable > lines:
        parts.append(f"Of {count(usable)} links between them the {count(lines)} strongest are drawn.")
    if not usable:
        parts.append("No links between them were kept.")
    return " ".join(parts)


def _dot(index: int, place: np.ndarray, member: Member, biggest: float, busiest: int) -> Dot:
    # The area, not the radius, grows with the count.
    radius = 2.5 + (biggest - 2.5) * math.sqrt(member.harvested_count / busiest)
    said = (
        f"{member.account_id}: {plural(member.harvested_count, 'harvested exchange')} of {count(member.exchange_count)}"
    )
    return Dot(index, round(float(place[0]), 1), round(float(place[1]), 1), round(radius, 1), said)


def _line(edge: GraphEdge, a: Dot, b: Dot, heaviest: float) -> Line:
    width = round(0.6 + 2.2 * max(edge.weight, 0.0) / heaviest, 2)
    said = f"{edge.source} – {edge.target}: {signal_words(edge.kind)[0].lower()}, {edge.weight:.1f} nats"
    return Line(a.index, b.index, a.x, a.y, b.x, b.y, width, _style(edge.kind), said)


def graph_view(dossier: Dossier, most: int = 150) -> GraphView:
    """Lay a campaign's account graph out.

    Args:
        dossier: whose members and edges to draw; edges to strangers are left out.
        most: how many accounts to draw at most.
    """
    members = _drawn_members(dossier, most)
    index = {member.account_id: i for i, member in enumerate(members)}
    edges, usable = _drawn_edges(dossier.edges, set(index))
    heaviest = max((edge.weight for edge in edges), default=1.0) or 1.0
    ends = np.array([(index[e.source], index[e.target]) for e in edges], dtype=np.int64).reshape(-1, 2)
    pull = np.array([0.4 + 0.6 * max(e.weight, 0.0) / heaviest for e in edges])
    at = _fitted(_layout(len(members), ends, pull)) if members else np.zeros((0, 2))
    busiest = max((member.harvested_count for member in members), default=1) or 1
    biggest = 9.0 if len(members) > 60 else 12.0
    dots = tuple(_dot(i, at[i], member, biggest, busiest) for i, member in enumerate(members))
    lines = tuple(_line(edge, dots[index[edge.source]], dots[index[edge.target]], heaviest) for edge in edges)
    used = {line.style for line in lines}
    kinds = tuple((k, signal_words(k)[0] if k != "other" else "Other signals") for k in (*_KINDS, "other") if k in used)
    return GraphView(dots, lines, kinds, _caption(dossier, len(dots), len(lines), usable))
