"""A tree as one SVG, with no script, font or picture from elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from iolaus.distill.surrogates.tree import Tree

__all__ = ["draw_tree"]

_BOX: Final = (156, 54)
_GAP: Final = (14, 46)
# Okabe and Ito's colours, told apart by colour-blind readers too.
_COLOURS: Final = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00", "#999999")
_STYLE: Final = (
    "text{font:12px sans-serif;fill:#111}.s{font-size:10px;fill:#333}.b{fill:#fff;stroke:#555}.e{stroke:#888;fill:none}"
)


@dataclass(slots=True)
class _Place:
    node: int
    depth: int
    x: float = 0.0
    low: "_Place | None" = None
    high: "_Place | None" = None


def draw_tree(tree: Tree, names: Sequence[str], classes: Sequence[str] = (), depth: int = 4) -> str:
    """Draw a tree down to a depth; what lies below is counted, not drawn.

    Args:
        tree: the tree.
        names: of its columns.
        classes: of its classes; none where it gives values.
        depth: levels of questions to draw.

    Returns:
        A self-contained SVG document.
    """
    root = _placed(tree, 0, 0, depth, [0])
    drawn = _all(root)
    width = max(place.x for place in drawn) + _BOX[0] + 20
    height = (max(place.depth for place in drawn) + 1) * (_BOX[1] + _GAP[1]) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img"><title>Surrogate tree of {tree.leaves} leaves</title>'
        f"<style>{_STYLE}</style>"
    ]
    for place in drawn:
        parts += [_edge(place, below, label) for below, label in ((place.low, "yes"), (place.high, "no")) if below]
    parts += [_box(tree, place, names, classes) for place in drawn]
    return "".join(parts) + "</svg>\n"


def _placed(tree: Tree, node: int, depth: int, most: int, used: list[int]) -> _Place:
    """Leaves of the drawing side by side, every question over the middle of its answers."""
    place = _Place(node, depth)
    if depth < most and tree.feature[node] >= 0:
        place.low = _placed(tree, int(tree.left[node]), depth + 1, most, used)
        place.high = _placed(tree, int(tree.right[node]), depth + 1, most, used)
        place.x = (place.low.x + place.high.x) / 2
    else:
        place.x = 10 + used[0] * (_BOX[0] + _GAP[0])
        used[0] += 1
    return place


def _all(place: _Place) -> list[_Place]:
    found = [place]
    for below in (place.low, place.high):
        if below:
            found += _all(below)
    return found


def _top(place: _Place) -> float:
    return 10 + place.depth * (_BOX[1] + _GAP[1])


def _edge(place: _Place, below: _Place, label: str) -> str:
    x1, y1 = place.x + _BOX[0] / 2, _top(place) + _BOX[1]
    x2, y2 = below.x + _BOX[0] / 2, _top(below)
    middle = (x1 + x2) / 2, (y1 + y2) / 2
    return (
        f'<path class="e" d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"/>'
        f'<text class="s" x="{middle[0] + 4:.0f}" y="{middle[1]:.0f}">{label}</text>'
    )


def _box(tree: Tree, place: _Place, names: Sequence[str], classes: Sequence[str]) -> str:
    node, x, y = place.node, place.x, _top(place)
    value = tree.value[node]
    answer, sure = int(value.argmax()), float(value.max())
    said = f"{classes[answer]} {sure:.0%}" if classes else ", ".join(f"{v:.3g}" for v in value)
    colour = _COLOURS[answer % len(_COLOURS)] if classes else _COLOURS[0]
    # The paler, the less sure: white at even odds.
    strength = max((sure - 1 / len(classes)) / (1 - 1 / len(classes)), 0.0) if len(classes) > 1 else 0.4
    if tree.feature[node] < 0:
        first = "answer"
    elif place.low is None:
        first = f"{_leaves_below(tree, node)} more leaves"
    else:
        first = f"{_short(names[tree.feature[node]], 16)} ≤ {tree.threshold[node]:.4g}"
    full = names[tree.feature[node]] if tree.feature[node] >= 0 else said
    return (
        f'<g><title>{escape(full)}</title><rect class="b" x="{x:.0f}" y="{y:.0f}" width="{_BOX[0]}" '
        f'height="{_BOX[1]}" rx="4"/><rect x="{x:.0f}" y="{y:.0f}" width="{_BOX[0]}" height="{_BOX[1]}" rx="4" '
        f'fill="{colour}" fill-opacity="{0.65 * strength:.2f}"/><text x="{x + 8:.0f}" y="{y + 17:.0f}">{escape(first)}'
        f'</text><text class="s" x="{x + 8:.0f}" y="{y + 32:.0f}">{escape(_short(said, 26))}</text>'
        f'<text class="s" x="{x + 8:.0f}" y="{y + 46:.0f}">{tree.share[node]:.1%} of points</text></g>'
    )


def _leaves_below(tree: Tree, node: int) -> int:
    waiting, leaves = [node], 0
    while waiting:
        at = waiting.pop()
        if tree.feature[at] < 0:
            leaves += 1
        else:
            waiting += [int(tree.left[at]), int(tree.right[at])]
    return leaves


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
