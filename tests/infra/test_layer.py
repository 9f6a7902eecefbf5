from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from infra import layer

LIBRARIES = (
    "_soundfile_data/libsndfile_x86_64.so",
    "numpy/__init__.py",
    "numpy/core/multiarray.cpython-313-x86_64-linux-gnu.so",
    "soxr/soxr_ext.abi3.so",
    "av/audio.abi3.so",
    "pocketsphinx/_pocketsphinx.cpython-313-x86_64-linux-gnu.so",
    "_webrtcvad.cpython-313-x86_64-linux-gnu.so",
)


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    """A layer in outline."""
    for name in LIBRARIES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)
    return tmp_path


def test_a_whole_layer_passes(libraries: Path) -> None:
    assert layer.check(libraries) == 10 * len(LIBRARIES)


@pytest.mark.parametrize("name", [name for name in LIBRARIES if "multiarray" not in name])
def test_a_missing_library_is_noticed(libraries: Path, name: str) -> None:
    (libraries / name).unlink()
    with pytest.raises(layer.LayerUnfit, match="there is no"):
        layer.check(libraries)


def test_a_library_for_another_python_is_noticed(libraries: Path) -> None:
    (libraries / "soxr" / "extra.cpython-311-x86_64-linux-gnu.so").touch()
    with pytest.raises(layer.LayerUnfit, match=r"not for Python 3\.13"):
        layer.check(libraries)


def test_a_layer_that_is_too_large_is_noticed(libraries: Path) -> None:
    with (libraries / "large").open("wb") as file:
        file.truncate(layer.MAX_UNZIPPED_BYTES - layer.FUNCTION_BYTES)
    with pytest.raises(layer.LayerUnfit, match="too much for Lambda"):
        layer.check(libraries)


def test_only_what_is_not_needed_is_pruned(libraries: Path) -> None:
    for name in ("numpy/tests/test_array.py", "numpy/core/include/array.h", "av/audio.pyi", "bin/f2py"):
        path = libraries / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    layer.prune(libraries)
    left = {str(path.relative_to(libraries)) for path in libraries.rglob("*") if path.is_file()}
    assert left == set(LIBRARIES)


def test_the_archive_is_laid_out_as_lambda_wants_it(libraries: Path, tmp_path: Path) -> None:
    target = tmp_path.parent / "layer.zip"
    layer.archive(libraries, target)
    with zipfile.ZipFile(target) as archive:
        assert set(archive.namelist()) == {f"python/{name}" for name in LIBRARIES}
