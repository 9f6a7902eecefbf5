"""The mel bands that the telephone takes away, estimated from those it leaves.

A small regression maps the log-mel bands below 4 kHz of a frame and its neighbours to the bands above. Input
and output are taken less their mean over the utterance, so that the channel's own colour does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.features import MEL_BANDS, Array


@dataclass(frozen=True)
class BandwidthExtension:
    """A regression with rectified hidden layers; with one layer it is linear."""

    context: int
    """Frames before and after that are looked at."""
    matrices: tuple[NDArray[np.float32], ...]
    """One for each layer, shape (inputs, outputs)."""
    biases: tuple[NDArray[np.float32], ...]

    def extended(self, narrow: Array, mean: Array | None = None) -> Array:
        """Return the whole mel spectrum of one utterance: (frames, NARROW_BANDS) to (frames, MEL_BANDS).

        `mean` is that of each band over the utterance; without it that over `narrow` is taken.
        """
        if len(narrow) == 0:
            return np.empty((0, MEL_BANDS))
        mean = narrow.mean(axis=0) if mean is None else mean
        layer = with_neighbours(narrow, self.context, mean)
        for matrix, bias in zip(self.matrices[:-1], self.biases[:-1], strict=True):
            layer = np.maximum(layer @ matrix + bias, 0)
        return np.hstack([narrow, mean.mean() + layer @ self.matrices[-1] + self.biases[-1]])


def with_neighbours(narrow: Array, context: int, mean: Array | None = None) -> NDArray[np.float32]:
    """Return each frame less the mean, with its neighbours: (frames, (2 * context + 1) * bands)."""
    centred = (narrow - (narrow.mean(axis=0) if mean is None else mean)).astype(np.float32)
    padded = np.pad(centred, ((context, context), (0, 0)), mode="edge")
    return np.hstack([padded[shift : shift + len(centred)] for shift in range(2 * context + 1)])


def read_extension(path: Path) -> BandwidthExtension:
    """Read an extension that `save_extension` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        layers = range(int(arrays["layers"]))
        return BandwidthExtension(
            context=int(arrays["context"]),
            matrices=tuple(arrays[f"matrix_{layer}"].astype(np.float32) for layer in layers),
            biases=tuple(arrays[f"bias_{layer}"].astype(np.float32) for layer in layers),
        )


def save_extension(path: Path, extension: BandwidthExtension) -> None:
    """Write an extension in half precision, which is far finer than what it estimates."""
    arrays: dict[str, NDArray[np.generic]] = {
        "context": np.array(extension.context),
        "layers": np.array(len(extension.matrices)),
    }
    for layer, (matrix, bias) in enumerate(zip(extension.matrices, extension.biases, strict=True)):
        arrays[f"matrix_{layer}"] = matrix.astype(np.float16)
        arrays[f"bias_{layer}"] = bias.astype(np.float16)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
