"""What adaptation needs to know of the audio: how often each Gaussian was met, and by what. Sums add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.acoustic_model import STREAMS, GaussianMixtureModel
from chalicelib.engines.sphinx.acoustics.features import CEPSTRA, Array

_LEAST_WEIGHT = 1e-10


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of weighted frames for every Gaussian of a model."""

    occupancy: Array
    """Frames per Gaussian, shape (codebooks, streams, densities)."""
    first: Array
    """Sum of the features, shape (codebooks, streams, densities, dimensions)."""
    second: Array
    """Sum of their squares, the same shape."""
    log_likelihood: float
    """Of all frames, in nats."""
    frames: float
    """Sum of the frames' weights."""

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            self.occupancy + other.occupancy,
            self.first + other.first,
            self.second + other.second,
            self.log_likelihood + other.log_likelihood,
            self.frames + other.frames,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the statistics as arrays to save."""
        return {
            "occupancy": self.occupancy,
            "first": self.first,
            "second": self.second,
            "totals": np.array([self.log_likelihood, self.frames]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Statistics:
        """Return the statistics that `arrays` gave."""
        log_likelihood, frames = (float(total) for total in arrays["totals"])
        return cls(arrays["occupancy"], arrays["first"], arrays["second"], log_likelihood, frames)

    @classmethod
    def none(cls, model: GaussianMixtureModel) -> Statistics:
        """Return the statistics of no frames."""
        return cls(
            np.zeros(model.means.shape[:3]),
            np.zeros(model.means.shape),
            np.zeros(model.means.shape),
            0.0,
            0.0,
        )


@dataclass(frozen=True)
class SenoneOccupancy:
    """How often each senone that was met at all met each Gaussian of its codebook."""

    senones: NDArray[np.int32]
    """Which were met, ascending, shape (met,)."""
    frames: NDArray[np.float32]
    """Shape (met, streams, densities); in each stream a senone's sum is the weight of its frames."""

    def __add__(self, other: SenoneOccupancy) -> SenoneOccupancy:
        met = np.union1d(self.senones, other.senones)
        frames = np.zeros((len(met), *self.frames.shape[1:]), np.float32)
        for part in (self, other):
            frames[np.searchsorted(met, part.senones)] += part.frames
        return SenoneOccupancy(met, frames)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the occupancy as arrays to save."""
        return {"senones": self.senones, "frames": self.frames}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> SenoneOccupancy:
        """Return the occupancy that `arrays` gave."""
        return cls(arrays["senones"], arrays["frames"])

    @classmethod
    def none(cls, model: GaussianMixtureModel) -> SenoneOccupancy:
        """Return the occupancy of no frames."""
        return cls(np.empty(0, np.int32), np.zeros((0, *model.weights.shape[1:]), np.float32))


def accumulate(
    model: GaussianMixtureModel,
    features: NDArray[np.float32],
    senones: NDArray[np.integer],
    codebooks: NDArray[np.integer],
    weights: NDArray[np.floating],
    *,
    observed: NDArray[np.float32] | None = None,
) -> Statistics:
    """Return the statistics of aligned frames.

    In each stream a frame is shared among its codebook's densities by their posteriors, given its senone.

    Args:
        model: what was met; usually the model that is adapted, as it stands.
        features: shape (frames, STREAMS * CEPSTRA).
        senones: shape (frames,); of the alignment, -1 where there is none.
        codebooks: shape (frames,).
        weights: shape (frames,), 0…1; frames of weight 0 do not count.
        observed: what is summed where that is not `features`: the same frames, heard otherwise.
    """
    totals = Statistics.none(model)
    log_likelihood = 0.0
    summed = features if observed is None else observed
    for met in _shared(model, features, senones, codebooks, weights):
        log_likelihood += met.log_likelihood
        totals.occupancy[met.codebook, met.stream] += met.shares.sum(axis=0)
        y = summed[met.frames, met.stream * CEPSTRA : (met.stream + 1) * CEPSTRA]
        totals.first[met.codebook, met.stream] += met.shares.T @ y
        totals.second[met.codebook, met.stream] += met.shares.T @ (y * y)
    used = weights[(weights > 0) & (senones >= 0)]
    return Statistics(
        totals.occupancy, totals.first, totals.second, log_likelihood, float(used.sum(dtype=np.float64))
    )


def senone_occupancy(
    model: GaussianMixtureModel,
    features: NDArray[np.float32],
    senones: NDArray[np.integer],
    codebooks: NDArray[np.integer],
    weights: NDArray[np.floating],
) -> SenoneOccupancy:
    """Return how often the senones of aligned frames met their Gaussians; arguments as of `accumulate`."""
    met_senones = np.unique(senones[(weights > 0) & (senones >= 0)]).astype(np.int32)
    frames = np.zeros((len(met_senones), *model.weights.shape[1:]), np.float32)
    for met in _shared(model, features, senones, codebooks, weights):
        np.add.at(frames[:, met.stream], np.searchsorted(met_senones, senones[met.frames]), met.shares)
    return SenoneOccupancy(met_senones, frames)


@dataclass(frozen=True)
class _Met:
    """The frames of one codebook, shared among its Gaussians in one stream."""

    codebook: int
    stream: int
    frames: NDArray[np.intp]
    """Places of the frames, shape (met,)."""
    shares: NDArray[np.float32]
    """Posteriors times the frames' weights, shape (met, densities)."""
    log_likelihood: float


def _shared(
    model: GaussianMixtureModel,
    features: NDArray[np.float32],
    senones: NDArray[np.integer],
    codebooks: NDArray[np.integer],
    weights: NDArray[np.floating],
) -> Iterator[_Met]:
    used = (weights > 0) & (senones >= 0)
    for codebook in np.unique(codebooks[used]):
        frames = np.flatnonzero(used & (codebooks == codebook))
        weight = weights[frames].astype(np.float32)
        for stream in range(STREAMS):
            x = features[frames, stream * CEPSTRA : (stream + 1) * CEPSTRA]
            log_density = _log_densities(model, int(codebook), stream, x)
            log_density += np.log(model.weights[senones[frames], stream] + _LEAST_WEIGHT).astype(np.float32)
            highest = log_density.max(axis=1, keepdims=True)
            shares = np.exp(log_density - highest)
            total = shares.sum(axis=1, keepdims=True)
            log_likelihood = float(weight @ (highest + np.log(total))[:, 0])
            shares *= weight[:, None] / total
            yield _Met(int(codebook), stream, frames, shares, log_likelihood)


def _log_densities(
    model: GaussianMixtureModel, codebook: int, stream: int, x: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the log density of each frame under each Gaussian of a codebook, shape (frames, densities)."""
    precision = 1 / model.variances[codebook, stream]
    means = model.means[codebook, stream]
    constant = 0.5 * np.log(precision / (2 * np.pi)).sum(axis=1) - 0.5 * (means**2 * precision).sum(axis=1)
    squares = (x * x) @ (-0.5 * precision).T.astype(np.float32)
    products = x @ (means * precision).T.astype(np.float32)
    log_density: NDArray[np.float32] = squares + products + constant.astype(np.float32)
    return log_density
