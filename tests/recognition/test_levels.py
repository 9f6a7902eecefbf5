"""Frames that are as quiet as their background."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.recognition.levels import FRAME_S, quiet_frames
from chalicelib.recognition.recordings import Recording
from tests.audio import signals

RATE_HZ = 8000


def recording(samples: signals.Samples) -> Recording:
    return Recording(np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16), RATE_HZ)


@pytest.mark.parametrize("noise_level", [0.0003, 0.003, 0.01])
def test_the_hiss_between_words_is_quiet(noise_level: float) -> None:
    samples = signals.noise(9.0, RATE_HZ, level=noise_level)
    samples[3 * RATE_HZ : 6 * RATE_HZ] += signals.voice(3.0, RATE_HZ)
    quiet = quiet_frames(recording(samples))
    per_second = round(1 / FRAME_S)
    assert quiet[: 3 * per_second].mean() > 0.99
    assert quiet[6 * per_second :].mean() > 0.99
    assert quiet[3 * per_second : 6 * per_second].mean() < 0.5


@pytest.mark.parametrize("sound", [signals.noise, signals.tone, signals.silence])
def test_a_steady_sound_has_no_quiet_frames(sound: object) -> None:
    assert callable(sound)
    assert not quiet_frames(recording(sound(5.0, RATE_HZ))).any()


def test_each_part_of_a_recording_has_its_own_background() -> None:
    near = signals.noise(100.0, RATE_HZ, level=0.001)
    far = signals.noise(100.0, RATE_HZ, level=0.00005)
    near[20 * RATE_HZ : 30 * RATE_HZ] += signals.voice(10.0, RATE_HZ)
    far[70 * RATE_HZ : 80 * RATE_HZ] += signals.voice(10.0, RATE_HZ) / 100
    quiet = quiet_frames(recording(np.concatenate([near, far])))
    per_second = round(1 / FRAME_S)
    for start_s in (20, 170):
        assert quiet[start_s * per_second : (start_s + 10) * per_second].mean() < 0.5


@given(samples=st.integers(0, 5000))
def test_there_is_one_answer_for_each_whole_frame(samples: int) -> None:
    quiet = quiet_frames(Recording(np.zeros(samples, np.int16), RATE_HZ))
    assert len(quiet) == samples // round(FRAME_S * RATE_HZ)
