from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chalicelib.audio.formats.full_scale import FullScale
from tests.audio.signals import silence, voice

HZ = 16000
VOICE = voice(3, HZ)
VOICE = VOICE / np.abs(VOICE).max()


def scaled(samples: NDArray[np.float32], sizes: tuple[int, ...] = (1000,)) -> NDArray[np.float32]:
    scale = FullScale(HZ, 1)
    blocks, at = [], 0
    for turn in range(len(samples)):
        if at >= len(samples):
            break
        size = sizes[turn % len(sizes)]
        blocks += list(scale.feed(samples[at : at + size, None]))
        at += size
    blocks += list(scale.finish())
    return np.concatenate(blocks)[:, 0]


def test_samples_within_full_scale_stay_exactly_as_they_are() -> None:
    assert np.array_equal(scaled(VOICE), VOICE)


@pytest.mark.parametrize("peak", [1.5, 2, 4, 300, 32768, 8e6, 2e9, 1e20])
def test_louder_samples_are_scaled_rather_than_clipped(peak: float) -> None:
    samples = scaled((VOICE * np.float32(peak)).astype(np.float32))
    assert np.abs(samples).max() <= 1
    assert np.corrcoef(samples, VOICE)[0, 1] > 0.95, "the words are the same"
    assert np.count_nonzero(np.abs(samples) == 1) < 10


def test_a_pause_before_integers_stays_a_pause() -> None:
    noise = np.random.default_rng(0).integers(-3, 4, HZ).astype(np.float32)
    samples = scaled(np.concatenate([noise[: HZ // 4], VOICE * np.float32(20_000)]))
    assert np.abs(samples[: HZ // 4]).max() < 1e-3
    assert np.abs(samples).max() == pytest.approx(20_000 / 32768, rel=0.01)


@pytest.mark.parametrize("wild", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_silence(wild: float) -> None:
    samples = VOICE.copy()
    samples[20_000] = wild
    expected = VOICE.copy()
    expected[20_000] = 0
    assert np.array_equal(scaled(samples), expected)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=10), st.sampled_from([1.0, 3.0, 30_000.0]))
@settings(max_examples=10, deadline=None)
def test_the_sizes_of_the_pieces_do_not_matter(sizes: list[int], peak: float) -> None:
    loud = np.concatenate([silence(0.7, HZ), VOICE, VOICE * np.float32(peak)])[:70_000]
    assert np.array_equal(scaled(loud, tuple(sizes)), scaled(loud))


def test_nothing_gives_nothing() -> None:
    assert list(FullScale(HZ, 2).finish()) == []
