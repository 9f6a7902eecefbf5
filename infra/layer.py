"""Builds the Lambda layer with the engine's libraries: `python -m infra.layer [folder]`."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON_VERSION = "3.13"
"""Of the functions' runtime (see template.json): the newest one that every library has wheels for."""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64")
"""pip does not infer the older from the newer. PocketSphinx has no wheels for ARM."""
# Named, not resolved: PocketSphinx also asks for sounddevice, which only opens microphones.
FURTHER = ("cffi", "pycparser")
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
"""Lambda's limit for a function with all its layers."""
FUNCTION_BYTES = 40 * 1024 * 1024
"""Of that, what is kept for the function's own package; measured: 27 MB."""
_NEEDED = (
    "_soundfile_data/libsndfile*.so",
    "numpy/__init__.py",
    "soxr/*.so",
    "av/*.so",
    "pocketsphinx/*.so",
    "_webrtcvad*.so",
)
_NOT_NEEDED = ("bin", "include", "tests", "__pycache__", "licensing")


class LayerUnfit(Exception):
    """What was built would not work on Lambda."""


def install(folder: Path) -> None:
    """Install the engine's libraries for Lambda into `folder`, whatever machine this is.

    Raises:
        subprocess.CalledProcessError: pip could not; it has said why.
    """
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    command += ["--target", str(folder), "--no-deps", "--no-compile", "--only-binary=:all:"]
    command += ["--python-version", PYTHON_VERSION, "--implementation", "cp"]
    command += [argument for platform in PLATFORMS for argument in ("--platform", platform)]
    command += ["--constraint", str(ROOT / "requirements" / "constraints.txt")]
    command += ["--requirement", str(ROOT / "requirements" / "engine.txt"), *FURTHER]
    subprocess.run(command, check=True)


def prune(folder: Path) -> None:
    """Remove what is of no use at run time."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and path.name in _NOT_NEEDED:
            shutil.rmtree(path)
        elif path.suffix in {".pyi", ".pxd", ".pyx", ".h"}:
            path.unlink()


def check(folder: Path) -> int:
    """Return the size of the layer in bytes.

    Raises:
        LayerUnfit: a library is missing, is built for another Python, or all is too large.
    """
    for pattern in _NEEDED:
        if not any(folder.glob(pattern)):
            raise LayerUnfit(f"there is no {pattern} in the layer")
    wanted = f"cpython-{PYTHON_VERSION.replace('.', '')}-"
    for library in folder.rglob("*.so"):
        tag = re.search(r"\.(cpython-\d+-)", library.name)
        if tag and tag[1] != wanted:
            raise LayerUnfit(f"{library.name} is not for Python {PYTHON_VERSION}")
    size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size_bytes > MAX_UNZIPPED_BYTES - FUNCTION_BYTES:
        raise LayerUnfit(
            f"the layer has {size_bytes} bytes; with the function's package that is too much for Lambda"
        )
    return size_bytes


def archive(folder: Path, target: Path) -> None:
    """Write the layer's zip: everything of `folder` below `python/`."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as layer:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                layer.write(path, Path("python") / path.relative_to(folder))


def main() -> None:
    """Build `{folder}/engine-layer.zip` and say how large it is."""
    parser = argparse.ArgumentParser(prog="python -m infra.layer", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "layer")
    folder: Path = parser.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    libraries = folder / "python"
    libraries.mkdir(parents=True)
    install(libraries)
    prune(libraries)
    size_bytes = check(libraries)
    target = folder / "engine-layer.zip"
    archive(libraries, target)
    print(f"{target}: {size_bytes / 1e6:.0f} MB unzipped, {target.stat().st_size / 1e6:.0f} MB zipped")


if __name__ == "__main__":
    main()
