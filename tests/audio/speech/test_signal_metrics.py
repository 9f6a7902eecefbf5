from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.audio.speech.signal_metrics import (
    CLIPPING_EDGES,
    LEVEL_EDGES,
    OFFSET_EDGES,
    SignalMeter,
    SignalMetrics,
)
from chalicelib.audio.stream import Samples
from tests.audio.signals import noise, silence, voice

RATE_HZ = 16_000


def measured(samples: Samples, rate_hz: int = RATE_HZ) -> SignalMetrics:
    meter = SignalMeter(rate_hz)
    meter.feed(samples)
    return meter.finish()


def spoken(noise_level: float = 0.001, level: float = 0.1) -> Samples:
    """Speech from 2 to 6 s, in 8 s."""
    samples = noise(8, RATE_HZ, noise_level)
    samples[2 * RATE_HZ : 6 * RATE_HZ] += voice(4, RATE_HZ, level)
    return samples


@given(st.integers(0, 100_000), st.lists(st.integers(0, 100_000), max_size=6))
@settings(max_examples=25, deadline=None)
def test_every_segment_is_counted_once_whatever_the_pieces(length: int, cuts: list[int]) -> None:
    samples = spoken()[:length]
    meter = SignalMeter(RATE_HZ)
    for piece in np.split(samples, sorted(cuts)):
        meter.feed(piece)
    metrics = meter.finish()
    segments = (length + 800) // 1600
    assert sum(metrics.direct_current_offset) == sum(metrics.clipping_rate) == segments
    assert sum(metrics.speech_level) + sum(metrics.non_speech_level) == segments
    assert metrics == measured(samples)


@pytest.mark.parametrize("noise_level", [0.03, 0.01, 0.001])
def test_noise_is_told_from_speech(noise_level: float) -> None:
    metrics = measured(spoken(noise_level))
    assert metrics.signal_to_noise_db == pytest.approx(-20 * np.log10(noise_level / 0.1), abs=2.5)
    assert metrics.speech_ratio == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("samples", [silence(2, RATE_HZ), noise(2, RATE_HZ), np.empty(0, np.float32)])
def test_without_speech_there_is_no_signal_to_noise_ratio(samples: Samples) -> None:
    metrics = measured(samples)
    assert metrics.signal_to_noise_db is None
    assert metrics.speech_ratio == 0.0
    assert metrics.high_frequency_loss == 0.5
    assert sum(metrics.speech_level) == 0


@pytest.mark.parametrize("level", [0.2, 0.02])
def test_levels_are_decibels_of_the_range_of_16_bits(level: float) -> None:
    metrics = measured(noise(5, RATE_HZ, level))
    expected = 1 + 20 * np.log10(level) / 90.31
    assert metrics.non_speech_level[int(expected * 10)] == 50
    assert len(metrics.non_speech_level) == len(LEVEL_EDGES) - 1 == 10


@pytest.mark.parametrize(("offset", "place"), [(-0.95, 0), (-0.2, 4), (0.0, 5), (0.2, 6), (0.95, 10)])
def test_offsets(offset: float, place: int) -> None:
    metrics = measured(np.full(RATE_HZ, offset, np.float32))
    assert metrics.direct_current_offset[place] == 10
    assert len(metrics.direct_current_offset) == len(OFFSET_EDGES) - 1 == 11


@pytest.mark.parametrize(("clipped", "place"), [(0, 0), (1, 2), (10, 3), (100, 4), (1000, 5)])
def test_clipping(clipped: int, place: int) -> None:
    samples = noise(0.1, RATE_HZ, 0.01)
    samples[:clipped] = -1.0
    metrics = measured(samples)
    assert metrics.clipping_rate[place] == 1
    assert len(metrics.clipping_rate) == len(CLIPPING_EDGES) - 1 == 6


def test_the_upper_half_of_the_spectrum_is_missed_in_up_sampled_speech() -> None:
    wide = spoken() + np.concatenate([silence(2, RATE_HZ), noise(1, RATE_HZ, 0.02), silence(5, RATE_HZ)])
    narrow = soxr.resample(wide, RATE_HZ, RATE_HZ / 2)
    assert measured(wide).high_frequency_loss < 0.1
    assert measured(soxr.resample(narrow, RATE_HZ / 2, RATE_HZ)).high_frequency_loss > 0.8
