from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.audio.speech.voice_features import CEPSTRA, FRAMES_PER_S, VoiceFeatures, with_differences
from tests.audio.signals import voice


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_there_are_fifty_frames_a_second(rate_hz: int) -> None:
    voices = VoiceFeatures(rate_hz)
    voices.feed(voice(3, rate_hz))
    assert voices.cepstra().shape == (3 * FRAMES_PER_S - 1, CEPSTRA)


@given(st.lists(st.integers(0, 24_000), max_size=8))
@settings(max_examples=20, deadline=None)
def test_the_sizes_of_pieces_change_nothing(cuts: list[int]) -> None:
    samples = voice(3, 8000)
    whole, pieces = VoiceFeatures(8000), VoiceFeatures(8000)
    whole.feed(samples)
    for piece in np.split(samples, sorted(cuts)):
        pieces.feed(piece)
    assert np.array_equal(whole.cepstra(), pieces.cepstra())


def test_features_do_not_depend_on_the_level() -> None:
    loud, soft = VoiceFeatures(8000), VoiceFeatures(8000)
    loud.feed(voice(3, 8000))
    soft.feed(voice(3, 8000, 0.03))
    assert np.abs(loud.cepstra().astype(float) - soft.cepstra().astype(float)).mean() < 0.2


def test_features_are_relative_to_what_is_chosen() -> None:
    cepstra = np.random.default_rng(0).standard_normal((100, CEPSTRA)).astype(np.float16)
    chosen = np.arange(100) % 3 > 0
    features = with_differences(cepstra, chosen)
    assert features.shape == (chosen.sum(), 2 * CEPSTRA)
    assert np.abs(features[:, :CEPSTRA].mean(axis=0)).max() < 1e-5


def test_differences_are_slopes() -> None:
    cepstra = np.outer(np.arange(50), np.ones(CEPSTRA)).astype(np.float16)
    slopes = with_differences(cepstra, np.ones(50, np.bool_))[2:-2, CEPSTRA:]
    assert np.allclose(slopes, 1.0)


def test_without_audio_there_are_no_frames() -> None:
    assert VoiceFeatures(16_000).cepstra().shape == (0, CEPSTRA)
