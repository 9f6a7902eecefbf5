"""The house: imports go down only, and heavy libraries stay in their rooms."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What each room may import of the project. A room may always import itself.
MAY_USE: dict[str, set[str]] = {
    "app": {"api", "events", "recognition", "settings"},
    "api": {
        "customization",
        "training",
        "user_data",
        "jobs",
        "callbacks",
        "recognition",
        "engines",
        "audio",
        "storage",
        "settings",
    },
    "events": {
        "customization",
        "training",
        "user_data",
        "jobs",
        "recognition",
        "engines",
        "language",
        "audio",
        "storage",
        "settings",
    },
    "training": {"customization", "engines", "audio", "language", "storage", "settings"},
    "customization": {"engines", "language", "audio", "storage", "settings"},
    "user_data": {"customization", "jobs", "callbacks", "storage", "settings"},
    "jobs": {"callbacks", "recognition", "storage", "settings"},
    "callbacks": {"storage", "settings"},
    "recognition": {"engines", "language", "audio", "storage", "settings"},
    "engines": {"audio", "language", "settings"},
    "language": {"settings"},
    "audio": {"settings"},
    "storage": {"settings"},
    "settings": set(),
    "gateway": {"recognition", "storage", "settings"},
    "training_image": {"audio", "engines", "language"},
    "infra": {"app", "gateway", "storage", "settings", "training_image", "api", "engines"},
}

# Libraries that only one room (and those who compose, test or measure) may know.
ONLY_IN: dict[str, set[str]] = {
    "pynamodb": {"storage"},
    "pocketsphinx": {"engines"},
    "ctranslate2": {"engines"},
    "tiktoken": {"engines"},
    "onnxruntime": {"engines"},
    "soundfile": {"audio"},
    "av": {"audio"},
    "uvicorn": {"infra"},
    "ministack": {"infra"},
    "chalice": {"app", "api", "infra"},
}


def _room_of(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] == "chalicelib":
        return parts[1] if len(parts) > 1 else None
    return parts[0] if parts[0] in MAY_USE else None


def _modules() -> Iterator[tuple[Path, str]]:
    for top in ("app.py", "chalicelib", "training_image", "infra"):
        path = ROOT / top
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            room = _room_of(module)
            if room:
                yield file, room


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            assert node.module is not None
            if node.module == "chalicelib":
                yield from (f"chalicelib.{alias.name}" for alias in node.names)
            else:
                yield node.module


def _cases() -> list[object]:
    return [pytest.param(file, room, id=str(file.relative_to(ROOT))) for file, room in _modules()]


@pytest.mark.parametrize(("file", "room"), _cases())
def test_imports_go_down_only(file: Path, room: str) -> None:
    for imported in _imports(file):
        target = _room_of(imported)
        assert target is None or target == room or target in MAY_USE[room], f"{room} must not use {imported}"


@pytest.mark.parametrize(("file", "room"), _cases())
def test_libraries_stay_in_their_rooms(file: Path, room: str) -> None:
    for imported in _imports(file):
        library = imported.split(".")[0]
        assert room in ONLY_IN.get(library, {room}), f"{room} must not know {library}"


@pytest.mark.parametrize(("file", "room"), _cases())
def test_every_module_says_what_it_is(file: Path, room: str) -> None:
    assert ast.get_docstring(ast.parse(file.read_text())), f"{file} has no docstring"
