"""The trees of the containers, laid out as their Dockerfiles do."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
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


def install(distributions: Iterable[str], target: Path) -> None:
    """Link some of the distributions that are installed here into a folder, and no others."""
    target.mkdir()
    for name in distributions:
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "")}:
            if not (target / top).exists() and top != "__pycache__":
                (target / top).symlink_to(Path(str(distribution.locate_file(top))))


def runs(
    folder: Path, code: str, *, site: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run Python code in such a folder, which knows nothing of this checkout.

    With `site` it knows none of the distributions that are installed here either, only those of that folder.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    alone = [] if site is None else ["-S"]
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    return subprocess.run(
        [sys.executable, *alone, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
