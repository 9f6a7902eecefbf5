"""What newcomers are told is where they are told."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
_PLACES = re.compile(r"`((?:chalicelib|tests|infra|training_image|docs|findings)/[\w./]*)`")
_WITHIN = ("api", "events", "engines", "storage")
"""Rooms whose modules are named without `chalicelib/`."""


def test_places_are_there() -> None:
    places = _PLACES.findall(PAGE.replace("NAME", "__init__"))
    assert len(places) > 15
    missing = [place for place in places if "__init__" not in place and not (ROOT / place).exists()]
    assert missing == []
    within = re.findall(rf"`((?:{'|'.join(_WITHIN)})/\w+\.py)`", PAGE)
    assert len(within) > 4
    assert [place for place in within if not (ROOT / "chalicelib" / place).exists()] == []


def test_commands_are_there() -> None:
    (block,) = re.findall(r"```text\n(make .*?)```", PAGE, re.S)
    targets = [line.split()[1] for line in block.splitlines()]
    assert len(targets) == 4
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=True)


def test_the_tests_that_are_named_are_there() -> None:
    named = re.findall(r"^\.venv/bin/python -m pytest (.+)$", PAGE, re.M)
    assert len(named) == 3
    for command in named:
        files, _, wanted = command.partition(" -k ")
        for file in files.split():
            tests = re.findall(r"^def (test_\w+)", (ROOT / file).read_text(), re.M)
            assert any(wanted in test for test in tests), command


def test_every_place_that_names_an_engine_is_told() -> None:
    places = (ROOT / "tests" / "engines" / "test_places.py").read_text()
    files = re.findall(r'"(?:chalicelib/)?([\w/]+\.py): ', places)
    assert len(files) == 6
    assert [file for file in files if f"`{file}`" not in PAGE] == []


def test_the_quick_tests_are_all_there() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "test-quick"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    folders = re.findall(r" (tests/[\w.]+)", planned.stdout)
    assert len(folders) > 10
    assert [folder for folder in folders if not (ROOT / folder).exists()] == []
