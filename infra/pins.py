"""The pins with their hashes: `python -m infra.pins` writes requirements/locked anew from what is required.

What is installed is exactly what is listed there, and each file is compared with its SHA-256 before it is
unpacked. A list names what those before it do not have yet. It is made for all platforms, with uv.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKED = ROOT / "requirements" / "locked"
_CONSTRAINTS = ROOT / "requirements" / "constraints.txt"
_LEAST_PYTHON = "3.11"
_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
BUILT_APART = re.compile(r"torch|triton|nvidia-.*|cuda-.*|pip")
"""PyTorch, and the CUDA that it pins itself: which file that is, differs with the machine. And pip itself."""


@dataclass(frozen=True)
class List:
    """A list of pins, and the one that it goes on from."""

    name: str
    after: str | None = None
    constrained: bool = True

    @property
    def required(self) -> Path:
        """What it has to bring, as people write it."""
        return ROOT / "requirements" / f"{self.name}.txt"

    @property
    def path(self) -> Path:
        """Where it lies."""
        return LOCKED / f"{self.name}.txt"


LISTS = (
    List("engine"),
    List("front-door", after="engine"),
    List("local", after="front-door"),
    List("training", after="engine"),
    List("fitting", after="training"),
    List("demo", after="local"),
    List("dev", after="demo"),
    List("sagemaker", constrained=False),
    List("cli"),
)


def path_of(name: str) -> Path:
    """Return where the list of that name lies."""
    return next(one for one in LISTS if one.name == name).path


class NotLocked(Exception):
    """The lists could not be made; the message says what to do."""


def normal(name: str) -> str:
    """Return the name of a distribution as indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(text: str) -> dict[str, str]:
    """Return the entries of a list by the normal names of what they pin, hashes included."""
    found: dict[str, str] = {}
    entry: list[str] = []
    for line in text.splitlines():
        if not line or line.startswith(("#", "-")):
            continue
        entry.append(line)
        if not line.endswith("\\"):
            match = _ENTRY.match(entry[0])
            if match is None:
                raise NotLocked(f"{entry[0]!r} is no pin")
            name = normal(match["name"])  # it may come again, for another Python
            found[name] = "\n".join([*found.get(name, "").splitlines(), *entry])
            entry = []
    return found


def pinned(one: List) -> set[tuple[str, str]]:
    """Return names and versions of what a list installs, on one Python or another."""
    before = next((other for other in LISTS if other.name == one.after), None)
    found = pinned(before) if before is not None else set()
    for name, entry in entries(one.path.read_text()).items():
        matches = (_ENTRY.match(line) for line in entry.splitlines())
        found |= {(name, match["version"]) for match in matches if match is not None}
    return found


def constrained() -> set[tuple[str, str]]:
    """Return names and versions of requirements/constraints.txt, which has what is built apart as well."""
    lines = (line.split("==") for line in _CONSTRAINTS.read_text().splitlines() if "==" in line)
    return {(normal(name), version.strip()) for name, version in lines}


def _resolved(one: List, uv: str) -> str:
    command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", _LEAST_PYTHON]
    command += ["--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--constraint", str(_CONSTRAINTS)] if one.constrained else []
    done = subprocess.run([*command, str(one.required)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotLocked(f"{one.required} cannot be resolved: {done.stderr.strip()}")
    return done.stdout


def write() -> None:
    """Write all lists.

    Raises:
        NotLocked: uv is missing, or what is required cannot be had together.
    """
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        raise NotLocked("uv is not installed: .venv/bin/python -m pip install uv")
    LOCKED.mkdir(exist_ok=True)
    listed: dict[str, dict[str, str]] = {}
    for one in LISTS:
        everything = entries(_resolved(one, uv))
        before = listed[one.after] if one.after is not None else {}
        more = {
            name: entry
            for name, entry in everything.items()
            if name not in before and not BUILT_APART.fullmatch(name)
        }
        listed[one.name] = before | more
        head = f"-r {one.after}.txt\n" if one.after is not None else ""
        text = "\n".join(more[name] for name in sorted(more))
        one.path.write_text(
            f"# Written by `python -m infra.pins`; see docs/internals/dependencies.md.\n{head}{text}\n"
        )


def main() -> int:
    """Write the lists; returns the exit status."""
    argparse.ArgumentParser(prog="python -m infra.pins", description=__doc__).parse_args()
    try:
        write()
    except NotLocked as reason:
        print(f"The pins could not be written: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
