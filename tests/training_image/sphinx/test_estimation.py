"""MLLR finds the transform that was applied; MAP moves from prior to audio as the audio gets more."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from chalicelib.engines.sphinx.acoustics.acoustic_model import GaussianMixtureModel, bundled_model
from training_image.sphinx.estimation import (
    maximum_a_posteriori,
    regression_class,
    transformed,
    with_mixture_weights,
    with_scaled_variances,
)
from training_image.sphinx.statistics import SenoneOccupancy, Statistics


@pytest.fixture(scope="module")
def base() -> GaussianMixtureModel:
    return bundled_model()


def _met(model: GaussianMixtureModel, frames_each: float) -> Statistics:
    """Return what audio leaves that comes from a model itself, each Gaussian met equally often."""
    occupancy = np.full(model.means.shape[:3], frames_each)
    first = occupancy[..., None] * model.means
    second = occupancy[..., None] * (model.variances + model.means**2)
    return Statistics(occupancy, first, second, 0.0, float(occupancy.sum()) / 3)


def test_the_models_own_audio_changes_nothing(base: GaussianMixtureModel) -> None:
    np.testing.assert_allclose(transformed(base, _met(base, 5)).means, base.means, atol=1e-6)
    kept = maximum_a_posteriori(base, _met(base, 5), tau=10, variance_tau=10)
    np.testing.assert_allclose(kept.means, base.means, atol=1e-9)
    np.testing.assert_allclose(kept.variances, base.variances, rtol=1e-6)


def test_no_audio_changes_nothing(base: GaussianMixtureModel) -> None:
    np.testing.assert_allclose(transformed(base, Statistics.none(base)).means, base.means, atol=1e-9)
    assert np.array_equal(maximum_a_posteriori(base, Statistics.none(base), tau=10).means, base.means)


def test_a_transform_of_all_means_is_found(base: GaussianMixtureModel) -> None:
    random = np.random.default_rng(1)
    matrix, shift = np.eye(13) + random.normal(0, 0.05, (13, 13)), random.normal(0, 1, 13)
    moved = dataclasses.replace(base, means=base.means @ matrix.T + shift)
    found = transformed(base, _met(moved, 20_000))
    before = np.abs(moved.means - base.means).mean()
    assert np.abs(found.means - moved.means).mean() < 0.02 * before


def test_little_audio_moves_little(base: GaussianMixtureModel) -> None:
    moved = dataclasses.replace(base, means=base.means + 1)
    distances = [
        np.abs(transformed(base, _met(moved, frames)).means - moved.means).mean()
        for frames in (1e-4, 0.01, 1)
    ]
    assert distances[0] > 0.9
    assert distances == sorted(distances, reverse=True)


@pytest.mark.parametrize(("frames", "share"), [(0.0, 0.0), (10.0, 0.5), (90.0, 0.9)])
def test_means_go_as_far_as_the_audio_outweighs_the_prior(
    base: GaussianMixtureModel, frames: float, share: float
) -> None:
    moved = dataclasses.replace(base, means=base.means + 2)
    adapted = maximum_a_posteriori(base, _met(moved, frames), tau=10)
    np.testing.assert_allclose(adapted.means - base.means, 2 * share, atol=1e-9)
    assert adapted.variances is base.variances


def test_variances_follow_but_never_collapse(base: GaussianMixtureModel) -> None:
    wider = dataclasses.replace(base, variances=base.variances * 3)
    grown = maximum_a_posteriori(base, _met(wider, 1e9), tau=10, variance_tau=50)
    np.testing.assert_allclose(grown.variances, wider.variances, rtol=1e-3)
    narrow = dataclasses.replace(base, variances=base.variances * 1e-6)
    kept = maximum_a_posteriori(base, _met(narrow, 1e9), tau=10, variance_tau=50)
    assert (kept.variances >= 0.2 * base.variances * 0.999).all()


def test_variances_are_scaled_by_class_and_dimension(base: GaussianMixtureModel) -> None:
    factors = np.linspace(0.5, 2, 13)
    wider = dataclasses.replace(base, variances=base.variances * factors)
    found = with_scaled_variances(base, _met(wider, 1e6))
    np.testing.assert_allclose(found.variances, np.maximum(wider.variances, 1e-4), rtol=1e-3)
    assert found.means is base.means
    kept = with_scaled_variances(base, Statistics.none(base))
    np.testing.assert_allclose(kept.variances, base.variances)


@pytest.mark.parametrize(("frames", "share"), [(0.0, 0.0), (20.0, 0.5), (180.0, 0.9)])
def test_mixture_weights_go_as_far_as_the_audio_outweighs_the_prior(
    base: GaussianMixtureModel, frames: float, share: float
) -> None:
    only = np.zeros((1, 3, 128), np.float32)
    only[:, :, 7] = frames
    adapted = with_mixture_weights(base, SenoneOccupancy(np.array([5], np.int32), only), tau=20)
    expected = (1 - share) * base.weights[5]
    expected[:, 7] += share
    np.testing.assert_allclose(adapted.weights[5], expected, atol=1e-9)
    assert np.array_equal(np.delete(adapted.weights, 5, 0), np.delete(base.weights, 5, 0))
    np.testing.assert_allclose(adapted.weights.sum(axis=2), 1)


def test_no_senones_leave_the_weights_alone(base: GaussianMixtureModel) -> None:
    assert with_mixture_weights(base, SenoneOccupancy.none(base), tau=20) is base


def test_every_phone_has_a_class_and_silence_its_own(base: GaussianMixtureModel) -> None:
    silences = {"SIL", "+NSN+", "+SPN+"}
    classes = {phone: regression_class(phone) for phone in base.phones}
    assert {phone for phone, number in classes.items() if number == classes["SIL"]} == silences
    assert [classes[phone] for phone in ("AA", "M", "S", "P")] == [1, 2, 3, 4]
