"""Every pin has its hash, and the lists bring what is required, in the versions that were tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra import layer, pins
from infra.pins import BUILT_APART, LISTS, List

_HASHED = re.compile(r"[A-Za-z0-9._-]+==\S+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+")
_each = pytest.mark.parametrize("one", LISTS, ids=[one.name for one in LISTS])


@_each
def test_every_entry_is_a_version_with_hashes_and_nothing_else(one: List) -> None:
    text = one.path.read_text()
    entries = pins.entries(text)
    assert entries
    for entry in entries.values():
        for version in re.split(r"\n(?=\S)", entry):
            assert _HASHED.fullmatch(version), version[:100]
    rest = [line for line in text.splitlines() if line.startswith("-")]
    assert rest == ([f"-r {one.after}.txt"] if one.after else [])
    assert "://" not in text


@_each
def test_a_list_brings_all_that_is_required_in_that_version(one: List) -> None:
    listed = pins.pinned(one)
    for name, version in _required(one.required):
        if not BUILT_APART.fullmatch(name):
            assert (name, version) in listed, f"run `python -m infra.pins`: {one.name} wants {name} {version}"


def _required(path: Path) -> set[tuple[str, str]]:
    found = set()
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            found |= _required(path.parent / line.split()[1])
        elif line and not line.startswith("#"):
            required = Requirement(line)
            (version,) = required.specifier
            found.add((pins.normal(required.name), version.version))
    return found


@pytest.mark.parametrize("one", [one for one in LISTS if one.constrained], ids=lambda one: one.name)
def test_a_lists_versions_are_those_that_were_tested(one: List) -> None:
    tested = dict(pins.constrained())
    for name, version in pins.pinned(one):
        assert tested.get(name, version) == version


def test_the_layer_takes_its_libraries_with_hashes_for_any_python() -> None:
    text = layer.hashed([*layer.requirements(), *layer.FURTHER])
    entries = pins.entries(text)
    assert set(entries) == {
        pins.normal(name.partition("==")[0]) for name in (*layer.requirements(), *layer.FURTHER)
    }
    assert all(_HASHED.fullmatch(entry) for entry in entries.values())
    assert ";" not in text
    with pytest.raises(layer.LayerUnfit, match="nothing-of-this-name is not pinned"):
        layer.hashed(["nothing-of-this-name"])


def test_an_entry_that_is_no_pin_is_refused() -> None:
    with pytest.raises(pins.NotLocked, match=re.escape("'boto3>=1' is no pin")):
        pins.entries("boto3>=1\n")
