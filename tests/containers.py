"""The trees of the containers, laid out as their Dockerfiles do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


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


def runs(folder: Path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in such a folder, which knows nothing of this checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
