"""The Lambda layer: whole, small enough, and able to recognise as it will lie there."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import layer, layer_libraries
from infra.layer import LayerTarget
from infra.layer_libraries import NoBinutils
from tests import adapted_models

ROOT = Path(__file__).parent.parent.parent
VERSION = "en-US_BroadbandModel.v2026-11-30"
HERE = LayerTarget(python_version=f"{sys.version_info.major}.{sys.version_info.minor}")
LIBRARIES = (
    "_soundfile_data/libsndfile_x86_64.so",
    "numpy/__init__.py",
    "numpy/core/multiarray.cpython-313-x86_64-linux-gnu.so",
    "soxr/soxr_ext.abi3.so",
    "av/audio.abi3.so",
    "pocketsphinx/_pocketsphinx.cpython-313-x86_64-linux-gnu.so",
    "_webrtcvad.cpython-313-x86_64-linux-gnu.so",
    "ctranslate2/_ext.cpython-313-x86_64-linux-gnu.so",
    "tiktoken/_tiktoken.cpython-313-x86_64-linux-gnu.so",
    "regex/_regex.cpython-313-x86_64-linux-gnu.so",
    "attune_weights/0a1b/model.bin",
    "attune_weights/0a1b/remainders.safetensors",
)
X86_64 = b"\x7fELF".ljust(18, b"\0") + b"\x3e\x00"
"""The first bytes of a library for x86-64."""

# Recognises as a function does that has nothing but the layer and its own package.
PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:3]
import av, numpy, pocketsphinx, soundfile, soxr, webrtcvad
with av.open(sys.argv[3]) as recording:
    samples = numpy.concatenate([frame.to_ndarray().ravel() for frame in recording.decode(audio=0)])
    rate_hz = recording.streams.audio[0].rate
samples = soxr.resample(samples.astype(numpy.float32) / 32768, rate_hz, 16000)
from chalicelib.engines.whisper.engine import WhisperEngine
from chalicelib.engines.protocol import BASE_ALONE, CustomModels
from pathlib import Path
engine = WhisperEngine()
for custom in (BASE_ALONE, CustomModels(Path(sys.argv[4]))):
    heard = engine.load(sys.argv[5], custom).recognize(numpy.ascontiguousarray(samples))
    print(" ".join(word.text for word in heard.hypotheses[0].words))
pocketsphinx.Decoder(loglevel="FATAL")
import ctranslate2
print(ctranslate2.__file__)
"""


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    """A layer in outline."""
    for name in LIBRARIES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(X86_64)
    return tmp_path


def test_a_whole_layer_passes(libraries: Path) -> None:
    assert layer.check(libraries, LayerTarget()) == len(X86_64) * len(LIBRARIES)


@pytest.mark.parametrize("name", [name for name in LIBRARIES if "multiarray" not in name])
def test_a_missing_library_is_noticed(libraries: Path, name: str) -> None:
    (libraries / name).unlink()
    with pytest.raises(layer.LayerUnfit, match="there is no"):
        layer.check(libraries, LayerTarget())


def test_a_library_for_another_python_is_noticed(libraries: Path) -> None:
    (libraries / "soxr" / "extra.cpython-311-x86_64-linux-gnu.so").write_bytes(X86_64)
    with pytest.raises(layer.LayerUnfit, match=r"not for Python 3\.13"):
        layer.check(libraries, LayerTarget())


def test_a_library_for_another_machine_is_noticed(libraries: Path) -> None:
    with pytest.raises(layer.LayerUnfit, match="is not for aarch64"):
        layer.check(libraries, LayerTarget("aarch64"))


def test_a_layer_that_is_too_large_is_noticed(libraries: Path) -> None:
    with (libraries / "large").open("wb") as file:
        file.truncate(layer.MAX_UNZIPPED_BYTES - layer.FUNCTION_BYTES)
    with pytest.raises(layer.LayerUnfit, match="too much for Lambda"):
        layer.check(libraries, LayerTarget())


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


def test_a_condition_of_this_python_is_not_one_of_the_layer() -> None:
    assert "pocketsphinx==5.1.1" in layer.requirements()


@pytest.mark.parametrize(
    ("machine", "package"), [("x86_64", "binutils"), ("aarch64", "binutils-aarch64-linux-gnu")]
)
def test_without_binutils_it_is_said_where_they_are(
    machine: str, package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(NoBinutils, match=f"no strip, ld, nm, objcopy for {machine} .* install {package}$"):
        layer_libraries.binutils(machine)


def _built(folder: Path, target: LayerTarget) -> tuple[Path, int]:
    try:
        return layer.build(folder, target)
    except NoBinutils as missing:
        pytest.skip(str(missing))
    except subprocess.CalledProcessError as error:
        if "pip" in error.cmd:
            pytest.skip("no package index can be reached, from which pip would take the libraries")
        raise


@pytest.mark.slow
@pytest.mark.sphinx
def test_an_unpacked_layer_recognises_speech(tmp_path: Path) -> None:
    built, size_bytes = _built(tmp_path / "layer", HERE)
    assert size_bytes <= 226_000_000
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp_path / "opt")
    speech = tmp_path / "speech.wav"
    subprocess.run(["espeak-ng", "-w", str(speech), "Please send me the bill tomorrow morning."], check=True)
    model = adapted_models.written(tmp_path / "model.tar.gz", adapted_models.network_model(VERSION))
    opt = tmp_path / "opt" / "python"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM, str(opt), str(ROOT), str(speech), str(model), VERSION],
        check=False,
        capture_output=True,
        text=True,
        env={"TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    heard, heard_adapted, found_in = done.stdout.splitlines()
    assert heard == heard_adapted == "please send me the bill tomorrow morning"
    assert found_in == str(opt / "ctranslate2" / "__init__.py")


@pytest.mark.slow
def test_the_layer_for_arm_fits_too(tmp_path: Path) -> None:
    _, size_bytes = _built(tmp_path / "layer", LayerTarget("aarch64"))
    assert size_bytes <= 214_000_000
