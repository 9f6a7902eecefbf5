"""What is done to the audio that teaches keeps its length and its bounds, and is the same for the same chance."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_image.whisper.augmentation import altered, in_noise, in_room, masked, through_telephone
from training_image.whisper.course import Course

EVERYTHING = Course(noise_share=1.0, telephone_share=1.0, room_share=1.0, gain_db=6.0)
TIME_S = np.arange(16_000) / 16_000
TONE = (0.3 * np.sin(2 * np.pi * 440 * TIME_S)).astype(np.float32)


@given(st.integers(0, 1000), st.integers(200, 20_000))
def test_length_and_bounds_stay(seed: int, count: int) -> None:
    samples = np.resize(TONE, count)
    found = altered(samples, EVERYTHING, np.random.default_rng(seed))
    assert found.shape == samples.shape
    assert found.dtype == np.float32
    assert np.abs(found).max() <= 1


def test_the_same_chance_gives_the_same_audio() -> None:
    one, other = (altered(TONE, EVERYTHING, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert (altered(TONE, EVERYTHING, np.random.default_rng(4)) != one).any()


def test_a_course_without_shares_leaves_audio_as_it_is() -> None:
    plain = dataclasses.replace(EVERYTHING, noise_share=0, telephone_share=0, room_share=0, gain_db=0)
    np.testing.assert_array_equal(altered(TONE, plain, np.random.default_rng(1)), TONE)


def test_noise_is_5_to_25_db_below() -> None:
    for seed in range(20):
        noise = in_noise(TONE, np.random.default_rng(seed)) - TONE
        snr_db = 10 * np.log10(np.mean(TONE**2) / np.mean(noise**2))
        assert 4.9 <= snr_db <= 25.1


def test_a_telephone_takes_away_what_is_above_4_khz() -> None:
    high = (0.3 * np.sin(2 * np.pi * 6000 * TIME_S)).astype(np.float32)
    assert np.mean(through_telephone(high) ** 2) < 0.01 * np.mean(high**2)
    assert np.corrcoef(through_telephone(TONE)[800:-800], TONE[800:-800])[0, 1] > 0.99


def test_a_room_goes_on_sounding() -> None:
    click = np.zeros(16_000, np.float32)
    click[1000] = 0.5
    heard = in_room(click, np.random.default_rng(1))
    assert heard[1000] == pytest.approx(0.5, abs=0.01)
    assert np.abs(heard[1200:3000]).max() > 0
    assert not heard[:999].round(6).any()


@given(st.integers(0, 1000))
def test_masks_lie_within_the_features(seed: int) -> None:
    mel = np.random.default_rng(1).normal(0, 1, (80, 50)).astype(np.float32)
    found = masked(mel, Course(masked_bands=12), np.random.default_rng(seed))
    changed = (found != mel).any(axis=1)
    assert changed.sum() <= 24
    assert (found[changed] == mel.min()).all()
