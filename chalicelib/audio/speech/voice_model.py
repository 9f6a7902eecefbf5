"""How voices differ: a mixture of Gaussians over all speech, and where speakers move its means.

These are eigenvoices (Kenny, Boulianne and Dumouchel 2005): what somebody says is explained by the mixture
with its means moved by `directions @ y`, with y standard normal over speakers. What a stretch of speech tells
of y is a precision matrix and a vector, and both simply add up over stretches of the same speaker.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_DATA = Path(__file__).parent.parent / "data"
_BLOCK_FRAMES = 20_000


@dataclass(frozen=True)
class VoiceEvidence:
    """What stretches of speech tell of their speakers."""

    occupancy: Array
    """Frames of each stretch in each Gaussian, shape (stretches, gaussians)."""
    moved: Array
    """What each says of the speaker's place, shape (stretches, directions)."""


@dataclass(frozen=True)
class VoiceModel:
    """For features at one rate; diagonal covariances."""

    weights: Array
    """Shape (gaussians,)."""
    means: Array
    """Shape (gaussians, features)."""
    variances: Array
    directions: Array
    """Shape (gaussians, features, directions)."""

    @property
    def precisions(self) -> Array:
        """What one frame in each Gaussian adds to the precision of y, (gaussians, directions, directions)."""
        precisions: Array = np.einsum("gfd,gf,gfe->gde", self.directions, 1 / self.variances, self.directions)
        return precisions

    def posteriors(self, features: NDArray[np.float32]) -> Array:
        """Return to which Gaussian each frame belongs, (frames, features) to (frames, gaussians)."""
        inverse = 1 / self.variances
        constant = np.log(self.weights) - 0.5 * (np.log(self.variances) + self.means**2 * inverse).sum(axis=1)
        scores = constant + features @ (self.means * inverse).T - 0.5 * (features**2) @ inverse.T
        posteriors: Array = np.exp(scores - scores.max(axis=1, keepdims=True))
        posteriors /= posteriors.sum(axis=1, keepdims=True)
        return posteriors

    def evidence(self, features: NDArray[np.float32], stretch_of_frame: NDArray[np.intp]) -> VoiceEvidence:
        """Sum up stretches of speech.

        Args:
            features: shape (frames, features).
            stretch_of_frame: the number of the stretch that each frame belongs to, shape (frames,).
        """
        stretches = int(stretch_of_frame.max(initial=-1)) + 1
        gaussians, _, directions = self.directions.shape
        occupancy, moved = np.zeros((stretches, gaussians)), np.zeros((stretches, directions))
        towards = self.directions / self.variances[:, :, None]
        offsets = np.einsum("gf,gfd->gd", self.means, towards)
        for start in range(0, len(features), _BLOCK_FRAMES):
            block = slice(start, start + _BLOCK_FRAMES)
            posteriors = self.posteriors(features[block])
            per_frame = -posteriors @ offsets
            for gaussian in range(gaussians):
                per_frame += posteriors[:, gaussian, None] * (features[block] @ towards[gaussian])
            np.add.at(occupancy, stretch_of_frame[block], posteriors)
            np.add.at(moved, stretch_of_frame[block], per_frame)
        return VoiceEvidence(occupancy, moved)

    def save(self, path: Path) -> None:
        """Write it, in half precision where that is enough."""
        np.savez_compressed(
            path,
            weights=self.weights.astype(np.float32),
            means=self.means.astype(np.float32),
            variances=self.variances.astype(np.float32),
            directions=self.directions.astype(np.float16),
        )


@cache
def voice_model(rate_hz: int) -> VoiceModel:
    """Return the bundled model for 8,000 or 16,000 Hz."""
    return load(_DATA / f"voices-{rate_hz}.npz")


def load(path: Path) -> VoiceModel:
    """Read what `VoiceModel.save` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return VoiceModel(
            *(arrays[name].astype(np.float64) for name in ("weights", "means", "variances", "directions"))
        )
