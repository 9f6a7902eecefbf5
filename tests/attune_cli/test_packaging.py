"""`pip install .` brings the command and nothing of the service."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from attune_cli import VERSION
from infra import pins
from tests.running_service import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pip(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install .` builds, made of a copy: builds leave folders behind."""
    folder = tmp_path_factory.mktemp("project")
    kept = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "attune_cli", folder / "attune_cli", ignore=kept)
    (folder / "chalicelib").mkdir()
    (folder / "chalicelib" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", folder)
    pip("wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "dist", folder)
    (made,) = (folder / "dist").glob("*.whl")
    return made


def test_the_package_holds_the_command_line_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        (metadata,) = (packed.read(name).decode() for name in names if name.endswith("METADATA"))
    own = {
        f"attune_cli/{path.relative_to(ROOT / 'attune_cli').as_posix()}"
        for path in (ROOT / "attune_cli").rglob("*.py")
    }
    assert {name for name in names if ".dist-info/" not in name} == own
    required = {
        line.split(maxsplit=1)[1] for line in metadata.splitlines() if line.startswith("Requires-Dist")
    }
    assert {Requirement(one).name for one in required} == {
        "click",
        "rich",
        "requests",
        "websockets",
        "sounddevice",
    }


def test_the_command_runs_from_a_fresh_virtual_environment(wheel: Path, tmp_path: Path) -> None:
    """Its libraries are lent by the one that tests: there may be no network."""
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True, timeout=120)
    (packages,) = (home / "lib").glob("python*/site-packages")
    pip("--python", home / "bin" / "python", "install", "--no-index", "--no-deps", wheel)
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run(
        [home / "bin" / "attune", "--version"],
        cwd=tmp_path,
        env=outside,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == f"attune, version {VERSION}\n"


def test_the_version_is_the_projects() -> None:
    assert PROJECT["version"] == VERSION


def test_the_pins_are_what_the_package_takes() -> None:
    """requirements/cli.txt has what is tested, pyproject.toml what goes with it."""
    pinned = dict(
        line.split("==")
        for line in pins.path_of("cli").parent.parent.joinpath("cli.txt").read_text().split()
        if "==" in line
    )
    taken = {Requirement(one).name: Requirement(one).specifier for one in PROJECT["dependencies"]}
    assert taken.keys() == pinned.keys()
    assert all(specifier.contains(pinned[name]) for name, specifier in taken.items())


def test_it_knows_nothing_of_the_service() -> None:
    """Importing all of it brings none of the service's modules in."""
    program = (
        "import sys, attune_cli.__main__\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'app', 'chalicelib', 'infra', 'training_image', 'numpy', 'boto3'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
