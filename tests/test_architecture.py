"""The house: imports go down only, and heavy libraries stay in their rooms."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from chalicelib.engines.features import ENGINE_FEATURES

ROOT = Path(__file__).parent.parent

# What each room may import of the project. A room may always import itself.
MAY_USE: dict[str, set[str]] = {
    "app": {"api", "events", "recognition"},
    "api": {
        "customization",
        "training",
        "user_data",
        "evaluation",
        "jobs",
        "callbacks",
        "direct_uploads",
        "recognition",
        "engines",
        "audio",
        "sharing",
        "console",
        "storage",
        "settings",
    },
    "events": {
        "customization",
        "training",
        "user_data",
        "evaluation",
        "jobs",
        "callbacks",
        "engines",
        "language",
        "audio",
        "sharing",
        "storage",
        "settings",
    },
    "training": {"callbacks", "customization", "engines", "language", "storage", "settings"},
    "customization": {"engines", "language", "sharing", "storage"},
    "user_data": {"customization", "evaluation", "jobs", "callbacks", "direct_uploads", "storage"},
    "evaluation": {
        "customization",
        "jobs",
        "recognition",
        "engines",
        "language",
        "audio",
        "sharing",
        "storage",
        "settings",
    },
    "jobs": {"callbacks", "recognition", "sharing", "storage", "settings"},
    "callbacks": {"storage", "settings"},
    "direct_uploads": {"storage", "settings"},
    "recognition": {"engines", "language", "audio", "sharing", "storage", "settings", "confinement"},
    "engines": {"language", "settings"},
    "language": set(),
    "audio": {"confinement"},
    "confinement": set(),
    "console": set(),
    "sharing": {"storage", "settings"},
    "storage": {"settings"},
    "settings": set(),
    "gateway": {"recognition", "sharing", "storage", "settings"},
    "training_image": {"audio", "engines", "language"},
    "attune_cli": set(),  # speaks to any service, and is installed without this one
    # Of events, jobs and recognition only rules are read: what is simulated is what is done.
    "infra": {
        "app",
        "gateway",
        "events",
        "training",
        "jobs",
        "customization",
        "recognition",
        "sharing",
        "storage",
        "engines",
        "settings",
    },
}

# Libraries that only one room (and those who compose, test or measure) may know.
ONLY_IN: dict[str, set[str]] = {
    "pynamodb": {"storage"},
    "pocketsphinx": {"engines"},
    "ctranslate2": {"engines", "training_image"},
    "tiktoken": {"engines"},
    "soundfile": {"audio"},
    "av": {"audio"},
    "uvicorn": {"infra"},
    "ministack": {"infra"},
    "chalice": {"app", "api", "infra"},
    "torch": {"training_image"},
    "transformers": {"training_image"},
    "peft": {"training_image"},
}


ENGINES = sorted(ENGINE_FEATURES)

# The one table of each lookup that names an engine's modules, as text: imported when the engine is asked for.
TABLES = {
    "chalicelib/engines/base_language.py",
    "chalicelib/engines/loading.py",
    "chalicelib/engines/staging.py",
    "chalicelib/engines/vocabulary.py",
    "infra/layer.py",  # has an engine put its own weights into the layer, in a process of their own
    "training_image/adapters.py",
}
# Tests that are about the whole of what an engine hears, and what they make its models with.
TESTS_OF_ENGINES = {
    "tests/acoustic/test_adaptation.py",
    "tests/adapted_models.py",
    "tests/engines/test_display.py",
    "tests/promoted.py",
    "tests/training_image/test_adapters.py",
    "tests/training_image/test_train.py",
}


def _room_of(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] == "chalicelib":
        return parts[1] if len(parts) > 1 else None
    return parts[0] if parts[0] in MAY_USE else None


def _modules() -> Iterator[tuple[Path, str]]:
    for top in ("app.py", "attune_cli", "chalicelib", "training_image", "infra"):
        path = ROOT / top
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            room = _room_of(module)
            if room:
                yield file, room


@functools.cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            assert node.module is not None
            if node.module == "chalicelib":
                yield from (f"chalicelib.{alias.name}" for alias in node.names)
            else:
                yield node.module


def _own_module(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported_modules(file: Path) -> Iterator[str]:
    """Yield what may be a module among the things that a file imports."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _strings(file: Path) -> Iterator[str]:
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _engine_of(module: str) -> str | None:
    """Return the engine that a module belongs to; None for what is for all engines."""
    parts = module.split(".")
    for folder in (["chalicelib", "engines"], ["training_image"]):
        if parts[: len(folder)] == folder and len(parts) > len(folder) and parts[len(folder)] in ENGINES:
            return parts[len(folder)]
    return None


def test_imports_go_down_only() -> None:
    assert [
        f"{file}: {room} must not use {imported}"
        for file, room in _modules()
        for imported in _imports(file)
        if (target := _room_of(imported)) is not None and target != room and target not in MAY_USE[room]
    ] == []


def test_libraries_stay_in_their_rooms() -> None:
    assert [
        f"{file}: {room} must not know {library}"
        for file, room in _modules()
        for library in (imported.split(".")[0] for imported in _imports(file))
        if room not in ONLY_IN.get(library, {room})
    ] == []


def test_every_module_says_what_it_is() -> None:
    assert [str(file) for file, _ in _modules() if not ast.get_docstring(_tree(file))] == []


def test_an_engine_is_known_in_its_own_rooms_alone() -> None:
    assert [
        f"{file}: only the rooms of that engine may use {imported}"
        for file, _ in _modules()
        for imported in _imported_modules(file)
        if _engine_of(imported) not in (None, _engine_of(_own_module(file)))
    ] == []


def test_an_engines_modules_are_named_in_tables_alone() -> None:
    assert [
        f"{file}: {text} belongs into one of {sorted(TABLES)}"
        for file, _ in _modules()
        if str(file.relative_to(ROOT)) not in TABLES
        for text in _strings(file)
        if " " not in text and _engine_of(text)
    ] == []


def test_the_tables_are_needed() -> None:
    assert {name for name in TABLES if not any(map(_engine_of, _strings(ROOT / name)))} == set()


def test_tests_of_what_is_for_all_engines_know_none_of_them() -> None:
    knowing = set()
    for file in sorted((ROOT / "tests").rglob("*.py")):
        engines = {engine for imported in _imported_modules(file) if (engine := _engine_of(imported))}
        folders = set(file.relative_to(ROOT).parts)
        if not engines <= folders:
            knowing.add(str(file.relative_to(ROOT)))
    assert knowing == TESTS_OF_ENGINES


def test_nothing_is_imported_in_a_circle() -> None:
    files = {_own_module(file): file for file, _ in _modules()}
    left = {module: set(_imported_modules(file)) & files.keys() - {module} for module, file in files.items()}
    while leaves := {module for module, uses in left.items() if not uses & left.keys()}:
        left = {module: uses for module, uses in left.items() if module not in leaves}
    assert sorted(left) == [], "these lie on a circle, or above one"


def test_every_permission_is_used() -> None:
    used: dict[str, set[str | None]] = {room: set() for room in MAY_USE}
    libraries: dict[str, set[str]] = {library: set() for library in ONLY_IN}
    for file, room in _modules():
        for imported in _imports(file):
            used[room].add(_room_of(imported))
            libraries.get(imported.split(".")[0], set()).add(room)
    unused = {room: allowed - used[room] for room, allowed in MAY_USE.items()}
    unused |= {library: rooms - libraries[library] for library, rooms in ONLY_IN.items()}
    assert {name: rooms for name, rooms in unused.items() if rooms} == {}
