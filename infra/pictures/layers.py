"""A picture of what uses what: boxes in layers, and arrows that go down only, as SVG."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from statistics import fmean
from xml.sax.saxutils import escape

_MARGIN_PX, _GAP_PX, _BOX_PX, _LAYER_PX = 16.0, 16.0, 28.0, 72.0
_CHARACTER_PX = 7.0
"""Of the font below, on average."""
_SWEEPS = 24
_STYLE = """
svg { color-scheme: light dark; }
.paper { fill: #ffffff; } .box { fill: #e0f2fe; stroke: #0369a1; } text { fill: #0f172a; }
.arrow { stroke: #475569; stroke-width: 1.3; fill: none; } .tip { fill: #475569; }
@media (prefers-color-scheme: dark) {
.paper { fill: #0f172a; } .box { fill: #0c4a6e; stroke: #38bdf8; } text { fill: #f1f5f9; }
.arrow { stroke: #cbd5e1; } .tip { fill: #cbd5e1; }
}
"""

Node = tuple[str, ...]
"""A box by its name, or the point at which an arrow (its two ends) passes a layer."""


@dataclass
class _Layers:
    rows: list[list[Node]]
    """From above to below, each from left to right."""
    ways: list[list[Node]]
    """Of each arrow: where it begins, the points between, where it ends."""

    def neighbours(self) -> dict[Node, list[Node]]:
        """Return what each node is joined to, in the layers beside its own."""
        joined: dict[Node, list[Node]] = defaultdict(list)
        for way in self.ways:
            for upper, lower in itertools.pairwise(way):
                joined[upper].append(lower)
                joined[lower].append(upper)
        return joined


def essential(used: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Leave out what follows from the rest: if a uses b and b uses c, that a uses c."""
    reached: dict[str, set[str]] = {}

    def reach(name: str) -> set[str]:
        if name not in reached:
            reached[name] = used[name].union(*map(reach, used[name]))
        return reached[name]

    return {name: others - set[str]().union(*map(reach, others)) for name, others in used.items()}


def draw(used: Mapping[str, set[str]], purposes: Mapping[str, str], title: str) -> str:
    """Return the picture, as SVG.

    Args:
        used: by each box's name, those that it uses; nothing goes in a circle.
        purposes: what each box is for, shown when the pointer rests on it.
        title: of the picture.

    Raises:
        graphlib.CycleError: some use each other.
    """
    layers = _layered(used)
    x_px = _placed(layers)
    y_px = {node: _MARGIN_PX + row * _LAYER_PX for row, nodes in enumerate(layers.rows) for node in nodes}
    width = max(x_px[node] + _width(node) / 2 for node in x_px) + _MARGIN_PX
    height = _MARGIN_PX * 2 + (len(layers.rows) - 1) * _LAYER_PX + _BOX_PX
    arrows = "".join(
        f'<path class="arrow" d="{_curve([(x_px[node], y_px[node]) for node in way])}" '
        f'marker-end="url(#tip)"/>\n'
        for way in layers.ways
    )
    boxes = "".join(
        _box(name, x_px[name,], y_px[name,], purposes[name])
        for nodes in layers.rows
        for name, *between in nodes
        if not between
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="12" text-anchor="middle">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
        '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="tip" d="M0 0 10 5 0 10z"/></marker>\n'
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>\n{arrows}{boxes}</svg>\n'
    )


def _box(name: str, x_px: float, y_px: float, purpose: str) -> str:
    width = _width((name,))
    return (
        f"<g><title>{escape(purpose)}</title>"
        f'<rect class="box" x="{x_px - width / 2:.0f}" y="{y_px:.0f}" width="{width:.0f}" '
        f'height="{_BOX_PX:.0f}" rx="6"/>'
        f'<text x="{x_px:.0f}" y="{y_px + _BOX_PX / 2 + 4:.0f}">{escape(name)}</text></g>\n'
    )


def _layered(used: Mapping[str, set[str]]) -> _Layers:
    """Put each box below all that use it, and order the layers so that few arrows cross."""
    depth = _depths(used)
    rows: list[list[Node]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in sorted(used):
        rows[depth[name]].append((name,))
    ways: list[list[Node]] = []
    for upper, lower in sorted((upper, lower) for upper, others in used.items() for lower in others):
        points = [(upper, lower, str(row)) for row in range(depth[upper] + 1, depth[lower])]
        for number, point in enumerate(points, depth[upper] + 1):
            rows[number].append(point)
        ways.append([(upper,), *points, (lower,)])
    layers = _Layers(rows, ways)
    joined = layers.neighbours()
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for beside, row in itertools.pairwise(rows if downwards else rows[::-1]):
            place = {node: number / len(beside) for number, node in enumerate(beside)}
            wished = {
                node: _middle(joined[node], place, number / len(row)) for number, node in enumerate(row)
            }
            row.sort(key=wished.__getitem__)
    return layers


def _depths(used: Mapping[str, set[str]]) -> dict[str, int]:
    """Return each box's layer: just below the lowest that uses it, or lower if that shortens the arrows."""
    from_below = [*TopologicalSorter(used).static_order()]
    depth = dict.fromkeys(used, 0)
    for name in reversed(from_below):
        for other in used[name]:
            depth[other] = max(depth[other], depth[name] + 1)
    for name in from_below:
        users = sum(name in others for others in used.values())
        if used[name] and len(used[name]) >= users:
            depth[name] = min(depth[other] for other in used[name]) - 1
    return depth


def _middle(nodes: list[Node], place: Mapping[Node, float], otherwise: float) -> float:
    placed = [place[node] for node in nodes if node in place]
    return fmean(placed) if placed else otherwise


def _placed(layers: _Layers) -> dict[Node, float]:
    """Return the middle of each node, in pixels from the left: near what it is joined to, and apart."""
    joined = layers.neighbours()
    x_px: dict[Node, float] = {node: 0.0 for row in layers.rows for node in row}
    for _ in range(_SWEEPS):
        for row in (*layers.rows, *layers.rows[::-1]):
            wished = [_middle(joined[node], x_px, x_px[node]) for node in row]
            at, end = [], float("-inf")
            for node, wish in zip(row, wished, strict=True):
                at.append(max(wish, end + _width(node) / 2))
                end = at[-1] + _width(node) / 2 + _GAP_PX
            off = fmean(wish - x for wish, x in zip(wished, at, strict=True))
            x_px.update((node, x + off) for node, x in zip(row, at, strict=True))
    left = min(x - _width(node) / 2 for node, x in x_px.items()) - _MARGIN_PX
    return {node: x - left for node, x in x_px.items()}


def _width(node: Node) -> float:
    return len(node[0]) * _CHARACTER_PX + 20 if len(node) == 1 else 0.0


def _curve(points: list[tuple[float, float]]) -> str:
    """Return a path from the foot of the first box to the head of the last, past the points between."""
    (x, y), *others = points
    drawn = [f"M{x:.0f} {y + _BOX_PX:.0f}"]
    below = y + _BOX_PX
    for number, (to_x, to_y) in enumerate(others, 1):
        middle = (below + to_y) / 2
        drawn.append(f"C{x:.0f} {middle:.0f} {to_x:.0f} {middle:.0f} {to_x:.0f} {to_y:.0f}")
        if number < len(others):
            drawn.append(f"V{to_y + _BOX_PX:.0f}")
        x, below = to_x, to_y + _BOX_PX
    return "".join(drawn)
