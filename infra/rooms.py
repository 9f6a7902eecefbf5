"""Draws the rooms of the code as they are: `python -m infra.rooms` writes docs/internals/rooms.{md,svg}."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.pictures import layers

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "internals" / "rooms.md"
PICTURE = PAGE.with_suffix(".svg")
TOPS = ("chalicelib", "training_image", "fitting", "infra", "attune_cli")
"""The packages of product code."""
_INTRODUCTION = """# Rooms

A room is a package. This page is made from the code: `python -m infra.rooms` writes it, and a test compares.
Each list goes from above to below: a room is used only by those above it. `→` names what it uses of its
neighbours. In brackets stands how many modules lie in a room itself, without the rooms inside it. At most
sixteen may; a room with more has inner rooms.

![The rooms in layers, with arrows from each to those it uses; the lists below say it in words](rooms.svg)

The picture has the rooms of `chalicelib` and what lies beside it, with three modules that count as rooms.
Each stands below all that use it. An arrow that follows from others is left out.
"""
_BESIDE = ("app", "chalicelib.settings", "chalicelib.confinement")
"""Modules that count as rooms in the picture."""


@dataclass(frozen=True)
class PackageRoom:
    """A package."""

    name: str
    """With dots."""
    purpose: str
    """The first line of its docstring."""
    modules: int
    """That lie in the room itself."""


def rooms() -> dict[str, PackageRoom]:
    """Return all rooms by their names."""
    found = {}
    for top in TOPS:
        for file in sorted((ROOT / top).rglob("__init__.py")):
            name = ".".join(file.parent.relative_to(ROOT).parts)
            purpose = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]
            modules = [path for path in file.parent.glob("*.py") if path != file]
            found[name] = PackageRoom(name, purpose, len(modules))
    return found


@functools.cache
def imports(file: Path) -> frozenset[str]:
    """Return the modules, and what may be one, that a file imports."""
    return frozenset(_imported(file))


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def neighbours(names: list[str]) -> dict[str, set[str]]:
    """Return which of some rooms or modules use which others; a room counts with all that lies inside it."""
    used: dict[str, set[str]] = {}
    for name in names:
        folder = ROOT.joinpath(*name.split("."))
        files = folder.rglob("*.py") if folder.is_dir() else [_file(name)]
        imported = {module for file in files for module in imports(file)}
        used[name] = {
            other
            for other in names
            if other != name and any(f"{module}.".startswith(f"{other}.") for module in imported)
        }
    return used


def from_above(used: dict[str, set[str]]) -> list[str]:
    """Return rooms in an order in which each is used only by those before it.

    Raises:
        ValueError: some use each other.
    """
    left, order = dict(used), []
    while left:
        top = min(name for name in left if not any(name in others for others in left.values()))
        order.append(top)
        del left[top]
    return order


def page() -> str:
    """Return the page."""
    known = rooms()
    parts = [_INTRODUCTION]
    for inside in ("", *known):
        depth = inside.count(".") + 1 if inside else 0
        names = [
            name
            for name in known
            if name.count(".") == depth and name.startswith(f"{inside}." if inside else "")
        ]
        if not names:
            continue
        used = neighbours(names)
        title = f"`{inside.replace('.', '/')}`" if inside else "All of it"
        parts.append(f"## {title}\n\n" + "".join(_line(known[name], used[name]) for name in from_above(used)))
    return "\n".join(parts)


def _line(room: PackageRoom, used: set[str]) -> str:
    own = [name.rpartition(".")[2] for name in sorted(used)]
    arrows = f" → {', '.join(own)}" if own else ""
    return f"- **{room.name.rpartition('.')[2]}** [{room.modules}] {room.purpose}{arrows}\n"


def picture() -> str:
    """Return the picture of the outermost rooms, as SVG."""
    known = rooms()
    tops = [name for name in known if "." not in name and name != "chalicelib"]
    inside = [name for name in known if name.count(".") == 1 and name.startswith("chalicelib.")]
    purposes = {name: known[name].purpose for name in (*tops, *inside)}
    for name in _BESIDE:
        purposes[name] = (ast.get_docstring(ast.parse(_file(name).read_text())) or "").partition("\n")[0]
    used = neighbours([*purposes])
    return layers.draw(
        {
            _short(name): {_short(other) for other in others}
            for name, others in layers.essential(used).items()
        },
        {_short(name): purpose for name, purpose in purposes.items()},
        "The rooms of the code, each above those that it uses",
    )


def _file(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def _short(name: str) -> str:
    return name.removeprefix("chalicelib.")


if __name__ == "__main__":
    PAGE.write_text(page())
    PICTURE.write_text(picture())
