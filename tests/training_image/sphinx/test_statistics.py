"""Sufficient statistics: they add up, count every weighted frame once, and survive a checkpoint."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.acoustic_model import GaussianMixtureModel
from training_image.sphinx.statistics import SenoneOccupancy, Statistics, accumulate, senone_occupancy

CODEBOOKS, DENSITIES, SENONES = 3, 4, 6


def model(seed: int = 0) -> GaussianMixtureModel:
    random = np.random.default_rng(seed)
    shape = (CODEBOOKS, 3, DENSITIES, 13)
    weights = random.uniform(0.1, 1, (SENONES, 3, DENSITIES))
    return GaussianMixtureModel(
        phones=("SIL", "AA", "S"),
        means=random.normal(0, 5, shape),
        variances=random.uniform(0.5, 4, shape),
        weights=weights / weights.sum(axis=2, keepdims=True),
    )


class Frames(NamedTuple):
    """What `accumulate` takes beside the model."""

    features: NDArray[np.float32]
    senones: NDArray[np.int32]
    codebooks: NDArray[np.int32]
    weights: NDArray[np.float32]

    def part(self, cut: slice) -> Frames:
        return Frames(self.features[cut], self.senones[cut], self.codebooks[cut], self.weights[cut])


def frames(count: int, seed: int) -> Frames:
    random = np.random.default_rng(seed)
    senones = random.integers(-1, SENONES, count).astype(np.int32)
    return Frames(
        features=random.normal(0, 5, (count, 39)).astype(np.float32),
        senones=senones,
        codebooks=np.where(senones < 0, -1, senones // 2).astype(np.int32),
        weights=random.choice([0, 0.5, 1], count).astype(np.float32),
    )


def _close(one: Statistics, other: Statistics) -> None:
    for name, value in dataclasses.asdict(one).items():
        np.testing.assert_allclose(value, getattr(other, name), rtol=1e-4, atol=1e-3)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_statistics_of_parts_add_up_to_those_of_the_whole(first: int, second: int, seed: int) -> None:
    everything = frames(first + second, seed)
    before, after = everything.part(slice(None, first)), everything.part(slice(first, None))
    _close(accumulate(model(), *before) + accumulate(model(), *after), accumulate(model(), *everything))


@given(st.integers(0, 80), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_every_weighted_frame_counts_once_in_each_stream(count: int, seed: int) -> None:
    features, senones, codebooks, weights = frames(count, seed)
    statistics = accumulate(model(), features, senones, codebooks, weights)
    used = weights[senones >= 0].sum()
    np.testing.assert_allclose(statistics.occupancy.sum(axis=(0, 2)), [used] * 3, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(statistics.frames, used, rtol=1e-6)
    aligned = (weights * (senones >= 0))[:, None] * features[:, :13]
    np.testing.assert_allclose(
        statistics.first[:, 0].sum(axis=(0, 1)), aligned.sum(axis=0), rtol=1e-3, atol=1e-2
    )


def test_posteriors_and_likelihood_are_those_of_the_mixture() -> None:
    features = frames(1, 3).features
    mixture = model()
    statistics = accumulate(mixture, features, np.array([2]), np.array([1]), np.ones(1))
    log_likelihood = 0.0
    for stream in range(3):
        x = features[0, 13 * stream : 13 * stream + 13]
        variance, mean = mixture.variances[1, stream], mixture.means[1, stream]
        exponent = -0.5 * ((x - mean) ** 2 / variance + np.log(2 * np.pi * variance)).sum(axis=1)
        joint = np.log(mixture.weights[2, stream]) + exponent
        total = np.logaddexp.reduce(joint)
        log_likelihood += total
        np.testing.assert_allclose(statistics.occupancy[1, stream], np.exp(joint - total), atol=1e-4)
    np.testing.assert_allclose(statistics.log_likelihood, log_likelihood, rtol=1e-5)


@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_senones_meet_what_their_codebook_meets(first: int, second: int, seed: int) -> None:
    everything = frames(first + second, seed)
    before, after = everything.part(slice(None, first)), everything.part(slice(first, None))
    occupancy = senone_occupancy(model(), *everything)
    parts = senone_occupancy(model(), *before) + senone_occupancy(model(), *after)
    assert np.array_equal(parts.senones, occupancy.senones)
    np.testing.assert_allclose(parts.frames, occupancy.frames, rtol=1e-3, atol=1e-3)
    by_codebook = np.zeros((CODEBOOKS, 3, DENSITIES))
    np.add.at(by_codebook, occupancy.senones // 2, occupancy.frames)
    np.testing.assert_allclose(by_codebook, accumulate(model(), *everything).occupancy, rtol=1e-3, atol=1e-3)


def test_occupancy_survives_its_arrays() -> None:
    occupancy = senone_occupancy(model(), *frames(50, 7))
    again = SenoneOccupancy.from_arrays(occupancy.arrays()) + SenoneOccupancy.none(model())
    assert np.array_equal(again.senones, occupancy.senones)
    assert np.array_equal(again.frames, occupancy.frames)


def test_statistics_survive_their_arrays() -> None:
    statistics = accumulate(model(), *frames(50, 7))
    _close(Statistics.from_arrays(statistics.arrays()), statistics)
    _close(statistics + Statistics.none(model()), statistics)
