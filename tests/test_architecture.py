"""The house: imports go down only, rooms are small, and heavy libraries stay in their rooms."""

from __future__ import annotations

import ast
import functools
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from chalicelib.engines.features import ENGINE_FEATURES
from infra import rooms

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
    "fitting": {"training_image", "audio", "engines", "language"},  # run by hand, in no image
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

# The rooms inside a room, from above to below: each may use those after it, and never the reverse. What lies
# beside them, in the room itself, may use them or be used by them; nothing may do both in a circle.
INNER_ROOMS: dict[str, list[str]] = {
    "chalicelib.api": ["openai", "descriptions", "customization", "http"],
    "chalicelib.audio": ["speech", "formats", "containers", "archives"],
    "chalicelib.customization": ["acoustic", "reports", "language"],
    "chalicelib.engines": ["sphinx", "whisper"],
    "chalicelib.engines.sphinx": ["lattices", "acoustics"],
    "chalicelib.engines.whisper": ["custom_language", "decoding", "text", "model"],
    "chalicelib.evaluation": ["results", "recordings"],
    "chalicelib.events": ["reconciling", "delivery"],
    "chalicelib.gateway": ["websocket", "http"],
    "chalicelib.language": ["pronunciation", "ngram_models", "grammars", "spoken"],
    "chalicelib.recognition": ["live", "function", "results", "decoding", "audio", "request"],
    "chalicelib.recognition.results": ["smart_formatting"],
    "training_image": ["whisper", "sphinx", "speech", "container"],
    "fitting": ["whisper", "sphinx"],
    "infra": ["deployment", "local", "training", "scale", "serving", "bases", "pictures"],
    "infra.local": ["sagemaker", "functions", "store", "api", "demo", "processes"],
    "attune_cli": ["commands", "watson", "upload"],
}
MOST_MODULES = 16
"""That lie in a room, without those of the rooms inside it."""
MOST_ARROWS = 35
"""Imports among the modules that lie in a room."""

# Names that two classes may have, each with its reason.
TWICE = {
    "Meta": "pynamodb looks for the settings of a table in its inner class of this name",
}

# Libraries that only one room (and those who compose, test or measure) may know.
ONLY_IN: dict[str, set[str]] = {
    "pynamodb": {"storage"},
    "pocketsphinx": {"engines"},
    "ctranslate2": {"engines", "fitting"},
    "tiktoken": {"engines"},
    "soundfile": {"audio"},
    "av": {"audio"},
    "uvicorn": {"infra"},
    "ministack": {"infra"},
    "chalice": {"app", "api", "infra"},
    "torch": {"training_image", "fitting"},
    "transformers": {"training_image"},
    "peft": {"training_image", "fitting"},
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
    for top in ("app.py", *rooms.TOPS):
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
    for folder in (["chalicelib", "engines"], ["training_image"], ["fitting"]):
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


def _uses() -> dict[str, set[str]]:
    """Return the modules that each module imports."""
    files = {_own_module(file): file for file, _ in _modules()}
    plain = {module for module, file in files.items() if file.name != "__init__.py"}
    return {module: set(_imported_modules(files[module])) & plain - {module} for module in plain}


def test_rooms_are_small() -> None:
    uses = _uses()
    modules = Counter(module.rpartition(".")[0] for module in uses)
    arrows: Counter[str] = Counter()
    for module, used in uses.items():
        room = module.rpartition(".")[0]
        arrows[room] += sum(other.rpartition(".")[0] == room for other in used)
    assert {room: count for room, count in modules.items() if count > MOST_MODULES} == {}
    assert {room: count for room, count in arrows.items() if count > MOST_ARROWS} == {}


def test_the_inner_rooms_are_known() -> None:
    inner: dict[str, set[str]] = defaultdict(set)
    for name in rooms.rooms():
        outer, _, own = name.rpartition(".")
        if outer not in ("", "chalicelib"):
            inner[outer].add(own)
    unlike = {
        room: sorted(known ^ inner[room])
        for room in {*INNER_ROOMS, *inner}
        if (known := set(INNER_ROOMS.get(room, ()))) != inner[room]
    }
    assert unlike == {}, "a new package takes its place in INNER_ROOMS above, and one that is gone leaves it"


def test_inner_rooms_use_those_below_them() -> None:
    names = [[f"{room}.{name}" for name in inner] for room, inner in INNER_ROOMS.items()]
    assert [
        f"{name} must not use {other}, which stands above it"
        for beside in names
        for name, used in rooms.neighbours(beside).items()
        for other in used
        if beside.index(other) < beside.index(name)
    ] == []


def test_nothing_in_a_room_goes_in_a_circle() -> None:
    """An inner room counts as one here, with all that lies inside it."""
    uses = _uses()
    assert {room: left for room in ("chalicelib", *INNER_ROOMS) if (left := _circling(room, uses))} == {}


def _circling(room: str, uses: dict[str, set[str]]) -> list[str]:
    """Return what lies in a room on a circle, or above one."""
    depth = room.count(".") + 2
    left: dict[str, set[str]] = defaultdict(set)
    for module, used in uses.items():
        if module.startswith(f"{room}."):
            own = ".".join(module.split(".")[:depth])
            others = {".".join(other.split(".")[:depth]) for other in used if other.startswith(f"{room}.")}
            left[own] |= others - {own}
    while leaves := {name for name, used in left.items() if not used & left.keys()}:
        for name in leaves:
            del left[name]
    return sorted(left)


def test_no_two_classes_have_one_name() -> None:
    named: dict[str, list[str]] = defaultdict(list)
    for file, _ in _modules():
        for node in ast.walk(_tree(file)):
            if isinstance(node, ast.ClassDef):
                named[node.name].append(_own_module(file))
    twice = {name: modules for name, modules in named.items() if len(modules) > 1}
    assert {name: modules for name, modules in twice.items() if name not in TWICE} == {}
    assert TWICE.keys() <= twice.keys()


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
