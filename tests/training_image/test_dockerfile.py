"""The container holds all that its program imports: its tree is laid out here as its Dockerfile does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_IMPORT_ALL = """
import importlib, pkgutil, training_image
for module in pkgutil.walk_packages(training_image.__path__, "training_image."):
    importlib.import_module(module.name)
import chalicelib
assert chalicelib.__file__.startswith(sys.argv[1]), chalicelib.__file__
"""


def lay_out(dockerfile: Path, target: Path) -> None:
    """Do what a Dockerfile's `COPY` lines do, into a folder."""
    for line in dockerfile.read_text().splitlines():
        if line.startswith("COPY "):
            *sources, destination = line.split()[1:]
            for source in sources:
                path = target / destination
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, path, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    path.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / source, path)


def test_the_container_holds_what_its_program_imports(tmp_path: Path) -> None:
    lay_out(ROOT / "training_image/Dockerfile", tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", f"import sys{_IMPORT_ALL}", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
