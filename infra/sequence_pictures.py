"""Draws the sequence pictures of the documentation from their texts: `python -m infra.sequence_pictures`.

The texts, `docs/internals/sequences/*.mmd`, are in a part of Mermaid's notation for sequence diagrams:
participants, messages (`A->>B: text`), answers (`A-->>B: text`), and notes (`Note over A: text`,
`Note over A,B: text`).
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent.parent / "docs" / "internals" / "sequences"
_COLUMN_PX, _MARGIN_PX, _HEAD_PX = 176, 12, 44
_LINE_PX, _GAP_PX, _PAD_PX = 16, 14, 8
_CHARACTER_PX = 6.4
"""Of the font below, on average; what is longer is broken into lines."""
_LOOP_PX = 26
"""How far a message to oneself goes out."""
_STYLE = """
svg { color-scheme: light dark; }
.paper { fill: #ffffff; } .head { fill: #e0f2fe; stroke: #0369a1; } .note { fill: #fef9c3; stroke: #a16207; }
.life { stroke: #94a3b8; stroke-dasharray: 3 4; } .arrow { stroke: #475569; stroke-width: 1.5; fill: none; }
.answer { stroke-dasharray: 5 4; } .tip { fill: #475569; } .name { font-weight: bold; }
text { fill: #0f172a; } .said { paint-order: stroke; stroke: #ffffff; stroke-width: 4; }
@media (prefers-color-scheme: dark) {
.paper { fill: #0f172a; } .head { fill: #0c4a6e; stroke: #38bdf8; } .note { fill: #422006; stroke: #eab308; }
.life { stroke: #64748b; } .arrow { stroke: #cbd5e1; } .tip { fill: #cbd5e1; } text { fill: #f1f5f9; }
.said { stroke: #0f172a; }
}
"""
_PARTICIPANT = re.compile(r"participant (\w+) as (.+)")
_MESSAGE = re.compile(r"(\w+)(--?>>)(\w+): (.+)")
_NOTE = re.compile(r"Note over (\w+)(?:,(\w+))?: (.+)")


@dataclass(frozen=True)
class SequenceStep:
    """A message, an answer or a note, between two columns."""

    left: int
    """Where it begins; of a note its first column."""
    right: int
    """Where it ends; of a note its last column."""
    text: str
    kind: str
    """`message`, `answer` or `note`."""


def parse(text: str) -> tuple[list[str], list[SequenceStep]]:
    """Return the names of the participants, and the steps in their order.

    Raises:
        ValueError: a line is in none of the forms above, or names somebody who takes no part.
    """
    names: dict[str, str] = {}
    steps = []
    for line in map(str.strip, text.splitlines()):
        if line in ("", "sequenceDiagram") or line.startswith("%%"):
            continue
        if found := _PARTICIPANT.fullmatch(line):
            names[found[1]] = found[2]
            continue
        message, note = _MESSAGE.fullmatch(line), _NOTE.fullmatch(line)
        if message:
            ends, said = (message[1], message[3]), message[4]
            kind = "answer" if message[2] == "-->>" else "message"
        elif note:
            ends, said, kind = (note[1], note[2] or note[1]), note[3], "note"
        else:
            raise ValueError(f"No participant, message or note: {line}")
        if not set(ends) <= names.keys():
            raise ValueError(f"Somebody who takes no part: {line}")
        left, right = (list(names).index(end) for end in ends)
        steps.append(SequenceStep(left, right, said, kind))
    return list(names.values()), steps


def draw(text: str, title: str) -> str:
    """Return the picture of a text, as SVG."""
    names, steps = parse(text)
    drawn = [_head(column, name) for column, name in enumerate(names)]
    y: float = _MARGIN_PX + _HEAD_PX + _GAP_PX
    for step in steps:
        part, y = _step(step, y, inwards=step.left == len(names) - 1)
        drawn.append(part)
    width, height = 2 * _MARGIN_PX + len(names) * _COLUMN_PX, y + _MARGIN_PX
    lives = "".join(
        f'<path class="life" d="M{_x(column):g} {_MARGIN_PX + _HEAD_PX}V{height - _MARGIN_PX:g}"/>\n'
        for column in range(len(names))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="12" text-anchor="middle">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
        '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto">'
        '<path class="tip" d="M0 0 10 5 0 10z"/></marker>\n'
        f'<rect class="paper" width="{width:g}" height="{height:g}"/>\n{lives}{"".join(drawn)}</svg>\n'
    )


def _x(column: float) -> float:
    return _MARGIN_PX + (column + 0.5) * _COLUMN_PX


def _lines(text: str, width_px: float) -> list[str]:
    return textwrap.wrap(text, int(width_px / _CHARACTER_PX), break_long_words=False)


def _written(lines: list[str], x: float, y: float, attributes: str = "") -> str:
    """Return lines of text, the first one's foot a line below `y`."""
    return "".join(
        f'<text x="{x:g}" y="{y + (number + 1) * _LINE_PX - 4:g}"{attributes}>{escape(line)}</text>\n'
        for number, line in enumerate(lines)
    )


def _box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>\n'


def _head(column: int, name: str) -> str:
    lines = _lines(name, _COLUMN_PX - 3 * _PAD_PX)
    top = _MARGIN_PX + (_HEAD_PX - len(lines) * _LINE_PX) / 2
    box = _box("head", _x(column - 0.5) + _PAD_PX, _MARGIN_PX, _COLUMN_PX - 2 * _PAD_PX, _HEAD_PX)
    return box + _written(lines, _x(column), top, ' class="name"')


def _step(step: SequenceStep, y: float, *, inwards: bool) -> tuple[str, float]:
    """Return a step's drawing, and where the next one begins; `inwards`: a loop goes to the left."""
    first, last = sorted((step.left, step.right))
    if step.kind == "note":
        width = (last - first + 1) * _COLUMN_PX - 2 * _PAD_PX
        lines = _lines(step.text, width - _PAD_PX)
        height = len(lines) * _LINE_PX + _PAD_PX
        box = _box("note", _x(first - 0.5) + _PAD_PX, y, width, height)
        return box + _written(lines, _x((first + last) / 2), y + _PAD_PX / 2), y + height + _GAP_PX
    if first == last:
        lines = _lines(step.text, _COLUMN_PX - _LOOP_PX - 2 * _PAD_PX)
        height = len(lines) * _LINE_PX
        side, anchor = (-1, "end") if inwards else (1, "start")
        path = f"M{_x(first):g} {y + 2:g}h{side * _LOOP_PX}v{height:g}h{-side * _LOOP_PX}"
        x = _x(first) + side * (_LOOP_PX + _PAD_PX)
        beside = _written(lines, x, y + 2, f' class="said" text-anchor="{anchor}"')
    else:
        lines = _lines(step.text, (last - first) * _COLUMN_PX - 3 * _PAD_PX)
        height = len(lines) * _LINE_PX
        path = f"M{_x(step.left):g} {y + height:g}H{_x(step.right):g}"
        beside = _written(lines, _x((first + last) / 2), y - 3, ' class="said"')
    kind = "arrow answer" if step.kind == "answer" else "arrow"
    return f'<path class="{kind}" d="{path}" marker-end="url(#tip)"/>\n{beside}', y + height + _GAP_PX


def main() -> None:
    """Draw every text's picture beside it."""
    for text in sorted(FOLDER.glob("*.mmd")):
        text.with_suffix(".svg").write_text(draw(text.read_text(), title(text)))


def title(text: Path) -> str:
    """Return what a picture is called: its name in words."""
    return text.stem.replace("-", " ").capitalize()


if __name__ == "__main__":
    main()
