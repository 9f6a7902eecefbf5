from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.whisper.mel import SHORT, WHOLE, Window, log_mel, windowed


@pytest.mark.parametrize("bands", [80, 128])
def test_features_are_what_the_library_wants(bands: int) -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32)
    mel = log_mel(samples, bands)
    assert mel.shape == (bands, 100)
    assert mel.dtype == np.float32
    assert mel.flags.c_contiguous
    assert mel.flags.writeable
    assert np.array_equal(mel, log_mel(samples, bands))


def test_a_tone_is_in_its_band() -> None:
    tone = (0.1 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)).astype(np.float32)
    # Slaney's scale has mel 15 at 1 kHz, of about 45.25 at 8 kHz, over 81 steps.
    assert abs(int(log_mel(tone)[:, 50].argmax()) - 15 / (45.25 / 81) + 1) <= 1


def test_features_do_not_depend_on_how_loud_speech_is_recorded_but_for_an_offset() -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32)
    louder, softer = log_mel(samples), log_mel((samples / 10).astype(np.float32))
    assert np.allclose(louder, softer + np.float32(0.5), atol=1e-4)


@given(st.integers(0, 3000))
def test_a_window_has_room_for_speech_and_is_even(speech_frames: int) -> None:
    for window in (SHORT, WHOLE, Window(6.0, 2.0)):
        frames = window.frames(speech_frames)
        assert speech_frames <= frames <= 3000
        assert frames % 2 == 0
    assert SHORT.frames(speech_frames) >= min(1000, 3000)


def test_what_is_not_speech_is_zero() -> None:
    mel = log_mel(np.random.default_rng(1).normal(0, 0.1, 48_000).astype(np.float32))
    filled = windowed(mel, SHORT)
    assert filled.shape == (80, 1000)
    assert np.array_equal(filled[:, :300], mel)
    assert not filled[:, 300:].any()


def test_more_than_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match=r"31\.0 s"):
        windowed(np.zeros((80, 3100), np.float32), SHORT)


@given(st.integers(0, 1000))
def test_any_number_of_samples_has_features(count: int) -> None:
    mel = log_mel(np.ones(count, np.float32))
    assert mel.shape == (80, count // 160)
    assert np.isfinite(mel).all()
