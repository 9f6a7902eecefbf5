"""What the Makefile installs for which command, and what it says before; nothing is installed here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _steps(target: str, folder: Path) -> list[str]:
    """Return what `make` would do for a target with nothing installed."""
    done = subprocess.run(
        ["make", "--dry-run", f"VENV={folder / 'venv'}", f"SAGEMAKER={folder / 'sdk'}", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.replace("\\\n", " ").splitlines()


def _first(steps: list[str], *words: str) -> int:
    return next(number for number, step in enumerate(steps) if all(word in step for word in words))


@pytest.mark.parametrize("target", ["training", "demo", "test"])
def test_the_size_is_said_before_it_is_downloaded(target: str, tmp_path: Path) -> None:
    steps = _steps(target, tmp_path)
    said = _first(steps, "echo", "1.1 GB", "5 GB")
    assert said < _first(steps, "pip install", "requirements/training.txt")


def test_recognition_needs_nothing_that_trains_the_network(tmp_path: Path) -> None:
    steps = _steps("run", tmp_path)
    assert any("requirements/locked/local.txt" in step for step in steps)
    assert not any("training.txt" in step for step in steps)


@pytest.mark.parametrize("target", ["check", "fix", "test-quick"])
def test_a_contributor_can_begin_without_pytorch(target: str, tmp_path: Path) -> None:
    steps = _steps(target, tmp_path)
    assert any("requirements/locked/dev.txt" in step for step in steps)
    assert not any("training.txt" in step for step in steps)


def test_the_operators_tools_have_an_environment_of_their_own(tmp_path: Path) -> None:
    steps = _steps("sagemaker", tmp_path)
    assert _first(steps, "echo", "1 GB") < _first(
        steps, "sdk/bin/python", "requirements/locked/sagemaker.txt"
    )
    assert not any(f"{tmp_path / 'venv'}" in step for step in steps)


def test_every_pin_is_exact() -> None:
    lines = (ROOT / "requirements/constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if len(pin.split("==")) != 2 or ";" in pin] == []
    assert len({pin.split("==")[0].lower() for pin in pins}) == len(pins)


def test_what_trains_the_network_is_pinned_the_same() -> None:
    lines = (ROOT / "requirements/constraints.txt").read_text().splitlines()
    pins = {line.lower() for line in lines if "==" in line}
    required = (ROOT / "requirements/training.txt").read_text().splitlines()
    assert {line.lower() for line in required if "==" in line} <= pins
