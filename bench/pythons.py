"""Whether everything that is needed can be had as wheels, so without a compiler, for each Python: needs an index."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement

from bench.figures import ROOT, keep, measured_here

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")
REQUIREMENTS = ("local.txt", "demo.txt")
"""Of `make run` and of `make demo`."""
_OF_PYTHON_ALONE = {
    "ibm-watson": ("requests", "python-dateutil", "websocket-client", "ibm-cloud-sdk-core"),
}
"""Published as source alone, but without anything to compile; with what it needs, which is asked for in its place."""
_PLATFORMS = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")
"""Releases of glibc, newest first; pip does not infer the older ones from the newer."""
_SAID = 300
"""Characters of pip's last words that are shown."""


def requirements(file: Path, python: str, machine: str) -> Iterator[str]:
    """Yield what a file asks for on a Python, with the files that it names; pip would ask the Python that runs."""
    environment = {name: str(value) for name, value in default_environment().items()}
    environment["python_version"], environment["python_full_version"] = python, f"{python}.0"
    environment["platform_machine"] = machine
    for line in file.read_text().splitlines():
        kind, _, named = line.strip().partition(" ")
        if kind == "-r":
            yield from requirements(file.parent / named.strip(), python, machine)
        elif line.strip() and not line.startswith("#"):
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate(environment):
                wanted.marker = None
                yield from _OF_PYTHON_ALONE.get(wanted.name, (str(wanted),))


def resolved(file: Path, python: str, machine: str) -> str | None:
    """Have pip resolve a file for a Python with wheels alone, and return why it cannot; None when it can."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--implementation", "cp"]
    command += ["--python-version", python]
    command += [
        argument for release in _PLATFORMS for argument in ("--platform", f"manylinux_{release}_{machine}")
    ]
    command += ["--constraint", str(ROOT / "requirements" / "constraints.txt")]
    with tempfile.TemporaryDirectory() as folder:
        wanted = sorted(set(requirements(file, python, machine)))
        done = subprocess.run(
            [*command, "--target", folder, *wanted], capture_output=True, text=True, check=False
        )
    return None if done.returncode == 0 else done.stderr.strip()[-_SAID:]


def main(argv: Sequence[str]) -> int:
    """Resolve; print and write `.attune/bench/pythons.json`. The status is 1 where something cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m bench pythons", description=__doc__)
    parser.add_argument("--python", nargs="+", default=PYTHONS)
    parser.add_argument("--machine", nargs="+", default=MACHINES[:1], choices=MACHINES)
    parser.add_argument("--requirements", nargs="+", default=REQUIREMENTS, help="files of requirements/")
    arguments = parser.parse_args(argv)
    figures: dict[str, Any] = measured_here()
    status = 0
    for python in arguments.python:
        for machine in arguments.machine:
            for name in arguments.requirements:
                began_s = time.monotonic()
                reason = resolved(ROOT / "requirements" / name, python, machine)
                row = "wheels for everything" if reason is None else f"not without a compiler: {reason}"
                figures[f"{python} {machine} {name}"] = row
                print(f"{python} {machine} {name:10} {row} ({time.monotonic() - began_s:.0f} s)", flush=True)
                status |= reason is not None
    keep("pythons", figures)
    return status
