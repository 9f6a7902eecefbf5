"""Noise suppression: quieter where only noise is, itself again without noise, at any length and level."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.suppression import suppressed


def _noise(frames: int, level: float) -> NDArray[np.float64]:
    return level * np.random.default_rng(frames).exponential(1, (frames, 129))


@given(frames=st.integers(0, 60), level=st.sampled_from([0.0, 1e-12, 1.0, 1e9]))
@settings(max_examples=40, deadline=None)
def test_nothing_becomes_louder_at_any_length_and_level(frames: int, level: float) -> None:
    power = _noise(frames, level)
    quieter = suppressed(power)
    assert quieter.shape == power.shape
    assert np.isfinite(quieter).all()
    assert (quieter <= power).all()


def test_noise_goes_and_what_stands_out_stays() -> None:
    power = _noise(200, 1.0)
    power[80:120, 10:40] += 1000
    quieter = suppressed(power)
    assert quieter[:70].mean() < 0.1 * power[:70].mean()
    assert quieter[90:120, 10:40].mean() > 0.9 * power[90:120, 10:40].mean()


def test_the_level_does_not_matter() -> None:
    power = _noise(100, 1.0)
    np.testing.assert_allclose(suppressed(power * 1e4), suppressed(power) * 1e4)
