"""From statistics to a better model: transforms of many means at once (MLLR), then every mean alone (MAP).

Sources: Leggetter and Woodland 1995 (MLLR), Gauvain and Lee 1994 (MAP). The ridge that holds a transform to
the identity and the fall-back to the transform of all phones keep classes with little audio harmless.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.acoustic_model import STREAMS, VARIANCE_FLOOR, GaussianMixtureModel
from chalicelib.engines.sphinx.acoustics.features import CEPSTRA, Array
from training_image.sphinx.statistics import SenoneOccupancy, Statistics

_SILENCES = frozenset({"SIL", "+NSN+", "+SPN+"})
_CLASSES = (
    _SILENCES,
    frozenset(
        {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"},
    ),
    frozenset({"L", "R", "W", "Y", "M", "N", "NG"}),
    frozenset({"S", "SH", "Z", "ZH", "F", "TH", "HH", "CH", "JH", "V", "DH"}),
)
_RIDGE_FRAMES = 20.0
"""The ridge towards the identity weighs as much as this many frames."""
_FEWEST_FRAMES = 500
"""A class with less audio than this takes the transform of all phones."""
_VARIANCE_FRAMES = 200.0
"""As much as the base's variances weigh against those of a class."""
_SCALE_BOUNDS = (0.2, 5.0)
_LEAST_VARIANCE_SHARE = 0.2
"""Adaptation never narrows a Gaussian below this share of its variance."""


def regression_class(phone: str) -> int:
    """Return the class whose transform a phone shares: silence, vowel, sonorant, fricative or stop."""
    return next((number for number, phones in enumerate(_CLASSES) if phone in phones), len(_CLASSES))


def transformed(model: GaussianMixtureModel, statistics: Statistics) -> GaussianMixtureModel:
    """Return a model whose means went through the affine transforms that make the audio likeliest."""
    classes = np.array([regression_class(phone) for phone in model.phones])
    means = model.means.copy()
    for stream in range(STREAMS):
        everything = np.arange(len(classes))
        of_all = _transform(model, statistics, everything, stream)
        for number in np.unique(classes):
            codebooks = np.flatnonzero(classes == number)
            enough = statistics.occupancy[codebooks, stream].sum() >= _FEWEST_FRAMES
            chosen = _transform(model, statistics, codebooks, stream) if enough else of_all
            means[codebooks, stream] = model.means[codebooks, stream] @ chosen[:, 1:].T + chosen[:, 0]
    return dataclasses.replace(model, means=means)


def with_scaled_variances(model: GaussianMixtureModel, statistics: Statistics) -> GaussianMixtureModel:
    """Return a model whose variances fit the audio: one factor for each class, stream and dimension.

    Noise, and taking it away, change how far features spread; the means' transforms leave that as it was.
    """
    classes = np.array([regression_class(phone) for phone in model.phones])
    spread = relative_spread(model, statistics)
    variances = model.variances.copy()
    for number in np.unique(classes):
        codebooks = np.flatnonzero(classes == number)
        frames = statistics.occupancy[codebooks, ..., None].sum(axis=(0, 2))
        relative = spread[codebooks].sum(axis=(0, 2))
        factors = np.clip((_VARIANCE_FRAMES + relative) / (_VARIANCE_FRAMES + frames), *_SCALE_BOUNDS)
        variances[codebooks] *= factors[None, :, None, :]
    return dataclasses.replace(model, variances=np.maximum(variances, VARIANCE_FLOOR))


def relative_spread(model: GaussianMixtureModel, statistics: Statistics) -> Array:
    """Return the audio's squared distances to each mean over its variance; where they fit, the occupancy."""
    occupancy = statistics.occupancy[..., None]
    squares = statistics.second - 2 * model.means * statistics.first + occupancy * model.means**2
    return squares / model.variances


def maximum_a_posteriori(
    model: GaussianMixtureModel, statistics: Statistics, *, tau: float, variance_tau: float | None = None
) -> GaussianMixtureModel:
    """Return a model whose means lie between its own and those of the audio.

    Args:
        model: the prior.
        statistics: of the audio, with this model's posteriors.
        tau: how many frames the prior means weigh.
        variance_tau: how many frames the prior variances weigh; None keeps the variances.
    """
    occupancy = statistics.occupancy[..., None]
    means = (tau * model.means + statistics.first) / (tau + occupancy)
    if variance_tau is None:
        return dataclasses.replace(model, means=means)
    total = variance_tau + occupancy
    square = (variance_tau * (model.variances + model.means**2) + statistics.second) / total
    centre = (variance_tau * model.means + statistics.first) / total
    variances = np.maximum(square - centre**2, _LEAST_VARIANCE_SHARE * model.variances)
    return dataclasses.replace(model, means=means, variances=np.maximum(variances, VARIANCE_FLOOR))


def with_mixture_weights(
    model: GaussianMixtureModel, occupancy: SenoneOccupancy, *, tau: float
) -> GaussianMixtureModel:
    """Return a model whose mixture weights lie between its own and those of the audio (MAP).

    Weights learn by heart what was read wrongly, so that the occupancy should be of words that are known.

    Args:
        model: the prior.
        occupancy: of the audio, with this model's posteriors.
        tau: how many frames the prior weights of a senone weigh.
    """
    if not len(occupancy.senones):
        return model
    weights = model.weights.copy()
    met = occupancy.frames.sum(axis=2, keepdims=True)
    weights[occupancy.senones] = (tau * weights[occupancy.senones] + occupancy.frames) / (tau + met)
    return dataclasses.replace(model, weights=weights)


def _transform(
    model: GaussianMixtureModel, statistics: Statistics, codebooks: NDArray[np.integer], stream: int
) -> Array:
    """Return the affine transform of some codebooks' means in one stream, shape (CEPSTRA, 1 + CEPSTRA)."""
    occupancy = statistics.occupancy[codebooks, stream].reshape(-1)
    first = statistics.first[codebooks, stream].reshape(-1, CEPSTRA)
    means = model.means[codebooks, stream].reshape(-1, CEPSTRA)
    precision = 1 / model.variances[codebooks, stream].reshape(-1, CEPSTRA)
    extended = np.hstack([np.ones((len(means), 1)), means])
    transform = np.empty((CEPSTRA, 1 + CEPSTRA))
    for row in range(CEPSTRA):
        identity = np.zeros(1 + CEPSTRA)
        identity[1 + row] = 1
        gram = (extended * (occupancy * precision[:, row])[:, None]).T @ extended
        target = extended.T @ (first[:, row] * precision[:, row])
        ridge = _RIDGE_FRAMES * np.diag((extended**2 * precision[:, row : row + 1]).mean(axis=0))
        transform[row] = identity + np.linalg.solve(gram + ridge, target - gram @ identity)
    return transform
