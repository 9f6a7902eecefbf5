"""What adaptation needs to know of the audio: how often each Gaussian was met, and by what. Sums add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustic_model import STREAMS, AcousticModel
from chalicelib.engines.sphinx.features import CEPSTRA, Array

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
    def none(cls, model: AcousticModel) -> Statistics:
        """Return the statistics of no frames."""
        return cls(
            np.zeros(model.means.shape[:3]),
            np.zeros(model.means.shape),
            np.zeros(model.means.shape),
            0.0,
            0.0,
        )


def accumulate(
    model: AcousticModel,
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
    used = (weights > 0) & (senones >= 0)
    for codebook in np.unique(codebooks[used]):
        chosen = used & (codebooks == codebook)
        weight = weights[chosen].astype(np.float32)
        for stream in range(STREAMS):
            x = features[chosen, stream * CEPSTRA : (stream + 1) * CEPSTRA]
            log_density = _log_densities(model, int(codebook), stream, x)
            log_density += np.log(model.weights[senones[chosen], stream] + _LEAST_WEIGHT).astype(np.float32)
            highest = log_density.max(axis=1, keepdims=True)
            posterior = np.exp(log_density - highest)
            total = posterior.sum(axis=1, keepdims=True)
            log_likelihood += float(weight @ (highest + np.log(total))[:, 0])
            posterior *= weight[:, None] / total
            totals.occupancy[codebook, stream] += posterior.sum(axis=0)
            y = summed[chosen, stream * CEPSTRA : (stream + 1) * CEPSTRA]
            totals.first[codebook, stream] += posterior.T @ y
            totals.second[codebook, stream] += posterior.T @ (y * y)
    return Statistics(
        totals.occupancy,
        totals.first,
        totals.second,
        log_likelihood,
        float(weights[used].sum(dtype=np.float64)),
    )


def _log_densities(
    model: AcousticModel, codebook: int, stream: int, x: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the log density of each frame under each Gaussian of a codebook, shape (frames, densities)."""
    precision = 1 / model.variances[codebook, stream]
    means = model.means[codebook, stream]
    constant = 0.5 * np.log(precision / (2 * np.pi)).sum(axis=1) - 0.5 * (means**2 * precision).sum(axis=1)
    squares = (x * x) @ (-0.5 * precision).T.astype(np.float32)
    products = x @ (means * precision).T.astype(np.float32)
    log_density: NDArray[np.float32] = squares + products + constant.astype(np.float32)
    return log_density
