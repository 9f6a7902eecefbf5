"""Text read out by the synthesisers that are installed."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from fitting.synthesisers import espeak, flite, main, read_wav, write_wav
from training_image.speech.microphones import Sound
from training_image.speech.non_speech import RATE_HZ

SENTENCE = "The train leaves at noon."
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def _check(sound: Sound) -> None:
    assert sound.dtype == np.float32
    assert 1 < len(sound) / RATE_HZ < 4
    assert 0.05 < np.abs(sound).max() <= 1.1


@needs_flite
def test_flite_reads_out() -> None:
    _check(flite(SENTENCE, "slt"))
    assert len(flite(SENTENCE, "slt", 1.25)) > 1.15 * len(flite(SENTENCE, "slt"))
    assert not np.array_equal(flite(SENTENCE, "rms")[:8000], flite(SENTENCE, "slt")[:8000])


@needs_espeak
def test_espeak_reads_out() -> None:
    _check(espeak(SENTENCE, "en-gb"))
    assert len(espeak(SENTENCE, "en-gb", 120)) > 1.2 * len(espeak(SENTENCE, "en-gb", 200))


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    sound = np.linspace(-1.5, 1.5, 4000, dtype=np.float32)
    write_wav(tmp_path / "sound.wav", sound)
    assert np.abs(read_wav(tmp_path / "sound.wav") - np.clip(sound, -1, 1)).max() < 1e-4


def test_channels_are_averaged_and_the_rate_is_changed(tmp_path: Path) -> None:
    both = np.column_stack([np.full(8000, 8192), np.zeros(8000)]).astype("<i2")
    with wave.open(str(tmp_path / "stereo.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(both.tobytes())
    sound = read_wav(tmp_path / "stereo.wav")
    assert len(sound) == RATE_HZ
    assert sound[4000:-4000] == pytest.approx(0.125, abs=0.005)


def test_lines_that_were_read_out_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "sentences.txt").write_text("Hello.\nGoodbye.\n")
    for number in range(2):
        write_wav(tmp_path / f"{number:05d}.wav", np.zeros(10, np.float32))
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert main([str(tmp_path / "sentences.txt"), str(tmp_path)]) == 0
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
