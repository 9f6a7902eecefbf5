"""Floating-point samples brought into -1…1, whatever their writer took for full scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chalicelib.audio.stream import Samples

_LOOKED_AT_S = 0.5
"""The scale is taken from so much before any of it is given: a pause at the beginning may tell less."""
_FRAME_S = 0.02
_LOUD = 16.0
"""Sounds that were added up or amplified go beyond full scale so far. What is louder was never scaled."""
_INTEGER_SCALES = (float(1 << 15), float(1 << 23), float(1 << 31))


class FullScale:
    """Scales a stream. The sizes of the pieces in which it comes change nothing.

    Samples in -1…1 stay as they are until one goes beyond. From the frame on that holds it, all are divided
    by what makes the loudest so far fit: its own value, or full scale of 16, 24 or 32 bits where the numbers
    are those of integers. What is no finite number is silence.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._looked_at_frames = max(1, round(_LOOKED_AT_S * rate_hz))
        self._step = max(1, round(_FRAME_S * rate_hz))
        self._held: Samples = np.empty((0, channels), np.float32)
        self._scale: float | None = None

    def feed(self, samples: Samples) -> Iterator[Samples]:
        """Yield samples of the shape (n, channels) in which they come."""
        finite = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        self._held = np.concatenate([self._held, finite]) if len(self._held) else finite
        if self._scale is None and len(self._held) < self._looked_at_frames:
            return
        whole = len(self._held) - len(self._held) % self._step
        if whole:
            yield self._scaled(self._held[:whole])
            self._held = self._held[whole:].copy()

    def finish(self) -> Iterator[Samples]:
        """Yield what was held back."""
        if len(self._held):
            yield self._scaled(self._held)
            self._held = self._held[:0]

    def _scaled(self, samples: Samples) -> Samples:
        if self._scale is None:
            first = np.abs(samples[: self._looked_at_frames])
            self._scale = float(_full_scale(np.asarray([first.max(initial=0.0)]))[0])
        starts = np.arange(0, len(samples), self._step)
        peaks = np.maximum.reduceat(np.abs(samples).max(axis=1), starts).astype(np.float64)
        scales = np.maximum.accumulate(np.maximum(_full_scale(peaks), self._scale))
        self._scale = float(scales[-1])
        if self._scale == 1.0:
            return samples
        lengths = np.diff([*starts, len(samples)])
        divisors = np.repeat(scales, lengths)[:, None]
        return np.asarray(np.clip(samples / divisors, -1, 1), np.float32)


def _full_scale(peaks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what samples of these peaks must be divided by, never less for a greater one."""
    scales = np.maximum(peaks, 1.0)
    lower = _LOUD
    for scale in _INTEGER_SCALES:
        scales = np.where((peaks > lower) & (peaks <= scale), scale, scales)
        lower = scale
    return scales
