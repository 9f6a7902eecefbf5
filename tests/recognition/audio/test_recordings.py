"""Recordings on disk: any format comes out as samples at the recogniser's rate."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib.audio import content_types
from chalicelib.audio.errors import RateTooLow, Undecodable
from chalicelib.recognition.audio.recordings import decoded
from chalicelib.sharing.held import TooMuchHeld
from tests.audio import signals


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "audio"


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("WAV", "FLOAT")])
def test_samples_survive(source: Path, container: str, subtype: str) -> None:
    voice = signals.voice(1.5, 16_000)
    source.write_bytes(signals.encoded(voice, 16_000, container, subtype))
    with decoded(source, None, 16_000) as recording:
        assert recording.duration_s == 1.5
        assert np.abs(recording.samples(0, len(voice)) - voice).max() < 2 / 32768
        assert recording.samples(100, 200).dtype == np.float32
        assert len(recording.samples(100, 200)) == 100


def test_a_higher_rate_is_brought_down(source: Path) -> None:
    source.write_bytes(signals.encoded(signals.tone(2, 44_100), 44_100, "WAV"))
    with decoded(source, None, 8000) as recording:
        assert recording.rate_hz == 8000
        assert recording.duration_s == pytest.approx(2.0, abs=0.01)
        middle = recording.samples(4000, 12_000)
        assert float(np.sqrt(np.mean(middle**2))) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)


def test_too_loud_floats_are_clipped(source: Path) -> None:
    source.write_bytes(signals.encoded(3 * signals.tone(1, 8000, level=0.5), 8000, "WAV", "FLOAT"))
    with decoded(source, None, 8000) as recording:
        assert recording.pcm.max() == 32767
        assert recording.pcm.min() == -32768


def test_no_samples_at_all(source: Path) -> None:
    source.write_bytes(signals.encoded(np.empty(0, np.float32), 8000, "WAV") + bytes(100))
    with decoded(source, None, 8000) as recording:
        assert recording.duration_s == 0.0


def test_a_lower_rate_is_refused(source: Path) -> None:
    source.write_bytes(signals.encoded(signals.tone(1, 8000), 8000, "WAV"))
    with pytest.raises(RateTooLow), decoded(source, None, 16_000):
        pass


def test_what_is_no_audio_is_refused(source: Path) -> None:
    source.write_bytes(b"this is a text " * 20)
    with pytest.raises(Undecodable), decoded(source, content_types.parse("audio/mp3"), 16_000):
        pass


def test_nothing_is_left_on_disk(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    source.write_bytes(signals.encoded(signals.tone(1, 8000), 8000, "WAV"))
    with decoded(source, None, 8000):
        pass
    assert list(folder.iterdir()) == []


def test_digital_silence_takes_no_room_on_the_disk(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = signals.voice(1, 16_000)
    silent = np.zeros(120 * 16_000, np.float32)
    source.write_bytes(signals.encoded(np.concatenate([voice, silent, voice, silent]), 16_000, "FLAC"))
    made, make = [], tempfile.TemporaryFile

    def noted(**wanted: Any) -> Any:
        made.append(make(**wanted))
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    with decoded(source, None, 16_000) as recording:
        (file,) = made
        held = os.fstat(file.fileno())
        assert held.st_size == 2 * len(recording.pcm) == 2 * 242 * 16_000
        assert held.st_blocks * 512 < held.st_size / 4
        assert recording.duration_s == 242
        assert np.abs(recording.samples(121 * 16_000, 122 * 16_000) - voice).max() < 2 / 32768
        assert not recording.samples(122 * 16_000, 242 * 16_000).any()


def test_one_owner_holds_so_much_and_silence_holds_nothing(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_OWNER_TEMPORARY_BYTES", str(3 * 60 * 16_000))
    source.write_bytes(signals.encoded(signals.noise(60, 16_000, 0.01), 16_000, "WAV"))
    silent = source.with_name("silent")
    silent.write_bytes(signals.encoded(np.zeros(3600 * 8000, np.float32), 8000, "FLAC"))
    with decoded(source, None, 16_000, owner="one"):
        with pytest.raises(TooMuchHeld), decoded(source, None, 16_000, owner="one"):
            pytest.fail("two are too many")
        with decoded(source, None, 16_000, owner="other"), decoded(silent, None, 8000, owner="one"):
            pass
    with decoded(source, None, 16_000, owner="one"):
        pass
