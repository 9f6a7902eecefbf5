"""FFmpeg without encoders of video: what the GPL is about is gone, and all audio is read as before."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from infra import encoders, layer_libraries
from infra.layer_libraries import NoBinutils
from tests.audio.signals import encoded

_DECODE = """
import sys
sys.path.insert(0, sys.argv[1])
import av
assert av.__file__.startswith(sys.argv[1]), av.__file__
for path in sys.argv[2:]:
    with av.open(path) as file:
        print(sum(frame.samples for frame in file.decode(audio=0)))
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    try:
        layer_libraries.binutils(platform.machine())
    except NoBinutils as reason:
        pytest.skip(str(reason))
    site = Path(av.__file__).parent.parent
    for name in ("av", "av.libs"):
        shutil.copytree(site / name, tmp_path / "site" / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "site"


def test_without_encoders_all_audio_is_read_as_before(packages: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 8000).astype(np.float32)
    paths = []
    for container, subtype in (("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("OGG", "OPUS")):
        paths.append(str(tmp_path / f"a.{container.lower()}"))
        Path(paths[-1]).write_bytes(encoded(noise, 8000, container, subtype))
    command = [sys.executable, "-c", _DECODE, str(packages), *paths]
    before = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    tools = layer_libraries.binutils(platform.machine())
    former = {path.name: path.stat().st_size for path in encoders.of(packages)}
    assert {name.partition("-")[0] for name in former} == {"libx264", "libx265", "libSvtAv1Enc"}
    assert encoders.replace(packages, tools) == len(former)
    assert all(path.stat().st_size < 100_000 < former[path.name] for path in encoders.of(packages))
    assert b"x264 - core" not in next((packages / encoders.FFMPEG).glob("libx264-*")).read_bytes()
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == before
    assert before.count("\n") == 3
