"""Fitting the narrowband Gaussians: what the telephone changes is found, what it leaves alone stays."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.engines.sphinx.acoustics.acoustic_model import GaussianMixtureModel, bundled_model, load_base
from fitting.sphinx.fit_narrowband import fit, through_telephone
from training_image.sphinx.statistics import Statistics, accumulate


@pytest.fixture(scope="module")
def broad() -> GaussianMixtureModel:
    return bundled_model()


def _met(model: GaussianMixtureModel, means: np.ndarray, variances: np.ndarray, frames: float) -> Statistics:
    occupancy = np.full(model.means.shape[:3], frames)
    first, second = occupancy[..., None] * means, occupancy[..., None] * (variances + means**2)
    return Statistics(occupancy, first, second, 0.0, 0.0)


def test_shifts_and_narrower_variances_are_found(broad: GaussianMixtureModel) -> None:
    shift = np.random.default_rng(1).normal(0, 1, broad.means.shape)
    wide = _met(broad, broad.means, broad.variances, 1e5)
    narrow = _met(broad, broad.means + shift, 0.6 * broad.variances, 1e5)
    shifts, factors = fit(broad, wide, narrow)
    np.testing.assert_allclose(shifts, shift, atol=0.01)
    np.testing.assert_allclose(factors, 0.6, rtol=0.01)
    assert factors.shape == (42, 3, 13)


def test_what_sounds_alike_and_what_was_never_met_stays(broad: GaussianMixtureModel) -> None:
    wide = _met(broad, broad.means + 1, broad.variances, 10.0)
    for statistics in (wide, Statistics.none(broad)):
        shifts, factors = fit(broad, statistics, statistics)
        assert np.array_equal(shifts, np.zeros_like(shifts))
        np.testing.assert_allclose(factors, 1)


def test_frames_heard_otherwise_are_shared_as_they_were_seen(broad: GaussianMixtureModel) -> None:
    random = np.random.default_rng(2)
    features = random.normal(0, 3, (50, 39)).astype(np.float32)
    known = (np.full(50, 9), np.full(50, 3), np.ones(50))
    seen = accumulate(broad, features, *known)
    heard = accumulate(broad, features, *known, observed=features + 2)
    assert np.array_equal(seen.occupancy, heard.occupancy)
    difference = heard.first - seen.first
    np.testing.assert_allclose(
        difference, np.broadcast_to(2 * seen.occupancy[..., None], difference.shape), atol=1e-3
    )


def test_a_telephone_halves_the_rate_and_keeps_the_sound() -> None:
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)
    heard = through_telephone(tone)
    assert len(heard) == 8_000
    assert np.abs(heard[500:-500] - tone[::2][500:-500]).max() < 0.02


def test_the_narrowband_base_has_gaussians_of_its_own() -> None:
    narrow, broad = load_base("en-US_NarrowbandModel.v2019-06-24").model, bundled_model()
    assert narrow.weights is broad.weights
    assert np.isfinite(narrow.means).all()
    assert 0.1 < np.abs(narrow.means - broad.means).mean() < 1
    assert (narrow.variances < broad.variances).mean() > 0.6
