"""How likely each frame is by the sounds of an acoustic model, computed from its Gaussians."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.acoustic_model import GaussianMixtureModel
from chalicelib.engines.sphinx.acoustics.features import Array, with_differences

_FRAMES = 256
"""So many at a time: 16,000 densities for each frame take 64 kB."""
_LEAST_WEIGHT = 1e-7


class Sounds:
    """The Gaussians of a model, ready to score frames.

    The decoder's own scores would not do: it leaves out what its search does not need, and what it takes
    from all scores of a frame depends on that.
    """

    def __init__(self, model: GaussianMixtureModel, owners: NDArray[np.int32]) -> None:
        """Take a model, and the phone that each of its senones is a state of."""
        self._phones = len(model.phones)
        self._owners = owners
        self._members = [np.flatnonzero(owners == phone) for phone in range(self._phones)]
        self._densities = [
            _as_product(model.means[:, stream], model.variances[:, stream])
            for stream in range(model.means.shape[1])
        ]
        weights = np.maximum(model.weights, _LEAST_WEIGHT).astype(np.float32)
        self._weights = [weights[members].transpose(1, 2, 0) for members in self._members]

    def scores(self, cepstra: Array, senones: Sequence[int] | NDArray[np.int32]) -> tuple[Array, Array]:
        """Return logarithms of likelihoods in nats.

        Args:
            cepstra: normalised, shape (frames, 13).
            senones: those whose scores are wanted.

        Returns:
            Of each phone's likeliest senone, shape (frames, phones), and of `senones`, (frames, senones).
        """
        features = with_differences(cepstra)
        parts = [
            self._part(features[start : start + _FRAMES], np.asarray(senones, np.int32))
            for start in range(0, max(1, len(features)), _FRAMES)
        ]
        phones, wanted = zip(*parts, strict=True)
        return np.concatenate(phones), np.concatenate(wanted)

    def _part(self, features: NDArray[np.float32], senones: NDArray[np.int32]) -> tuple[Array, Array]:
        best = np.empty((len(features), self._phones))
        wanted = np.empty((len(features), len(senones)))
        width = features.shape[1] // len(self._densities)
        scaled, peaks = [], []
        for stream, product in enumerate(self._densities):
            values = features[:, stream * width : (stream + 1) * width]
            terms = np.hstack([values**2, values, np.ones((len(values), 1), np.float32)])
            densities = (terms @ product).reshape(len(values), self._phones, -1)
            peak = densities.max(axis=2, keepdims=True)
            scaled.append(np.exp(densities - peak))
            peaks.append(peak[:, :, 0])
        top = sum(peaks)
        for phone, members in enumerate(self._members):
            likelihoods = [
                scaled[stream][:, phone] @ weights for stream, weights in enumerate(self._weights[phone])
            ]
            found = sum(np.log(likelihood) for likelihood in likelihoods) + top[:, phone, None]
            best[:, phone] = found.max(axis=1)
            here = self._owners[senones] == phone
            wanted[:, here] = found[:, np.searchsorted(members, senones[here])]
        return best, wanted


def _as_product(means: Array, variances: Array) -> NDArray[np.float32]:
    """Return what squares, values and a one are multiplied by for each density: (…, n) to (2n + 1, …)."""
    constant = -0.5 * (means**2 / variances + np.log(variances)).sum(axis=-1, keepdims=True)
    rows = np.concatenate([-0.5 / variances, means / variances, constant], axis=-1)
    return np.ascontiguousarray(rows.reshape(-1, rows.shape[-1]).T, np.float32)
