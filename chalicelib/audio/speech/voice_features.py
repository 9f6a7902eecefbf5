"""What a voice sounds like, fifty times a second: cepstra gathered as the audio comes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chalicelib.audio.stream import Samples

FRAMES_PER_S = 50
CEPSTRA = 19

_WINDOW_S = 0.032
_LOWEST_HZ = 150.0
_HIGHEST_HZ = {8_000: 3_800.0, 16_000: 7_600.0}
_BANDS = {8_000: 24, 16_000: 32}
_FLOOR = 1e-9
_DELTA_REACH = 2


class VoiceFeatures:
    """Gathers the features of a mono stream that comes in pieces of any size: 7 MB an hour."""

    def __init__(self, rate_hz: int) -> None:
        """Take 8,000 or 16,000 Hz."""
        self.rate_hz = rate_hz
        self._hop = rate_hz // FRAMES_PER_S
        self._window = np.hamming(round(_WINDOW_S * rate_hz))
        self._filters = _mel_filters(rate_hz)
        self._transform = _cosine_transform(len(self._filters))
        self._rest: Samples = np.empty(0, np.float32)
        self._parts: list[NDArray[np.float16]] = []

    def feed(self, samples: Samples) -> None:
        """Take the next samples, in -1…1."""
        together = np.concatenate([self._rest, samples])
        length = len(self._window)
        frames = max((len(together) - length) // self._hop + 1, 0)
        if frames:
            windows = np.lib.stride_tricks.sliding_window_view(together, length)[:: self._hop][:frames]
            power = np.abs(np.fft.rfft(windows * self._window, axis=1)) ** 2
            cepstra = np.log(power @ self._filters.T + _FLOOR) @ self._transform.T
            self._parts.append(cepstra.astype(np.float16))
        self._rest = together[frames * self._hop :].copy()

    def cepstra(self) -> NDArray[np.float16]:
        """Return what was gathered so far, shape (frames, CEPSTRA); frame i begins at i / FRAMES_PER_S."""
        self._parts = [np.concatenate([np.empty((0, CEPSTRA), np.float16), *self._parts])]
        return self._parts[0]


def with_differences(cepstra: NDArray[np.float16], chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the chosen frames less their mean, with differences beside, shape (chosen, 2 CEPSTRA)."""
    values = cepstra.astype(np.float32)
    padded = np.pad(values, ((_DELTA_REACH, _DELTA_REACH), (0, 0)), mode="edge")
    steps = range(1, _DELTA_REACH + 1)
    middle = slice(_DELTA_REACH, _DELTA_REACH + len(values))
    differences = np.zeros_like(values)
    for step in steps:
        ahead = padded[middle.start + step : middle.stop + step]
        differences += step * (ahead - padded[middle.start - step : middle.stop - step])
    differences /= 2 * sum(step**2 for step in steps)
    static = values[chosen]
    if len(static):
        static = static - static.mean(axis=0)
    return np.hstack([static, differences[chosen]])


def _mel_filters(rate_hz: int) -> NDArray[np.float64]:
    """Return triangular filters, shape (bands, bins)."""
    bands = _BANDS[rate_hz]
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (_LOWEST_HZ, _HIGHEST_HZ[rate_hz]))
    corners_hz = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    left, middle, right = corners_hz[:-2, None], corners_hz[1:-1, None], corners_hz[2:, None]
    bins_hz = np.fft.rfftfreq(round(_WINDOW_S * rate_hz), 1 / rate_hz)
    rising, falling = (bins_hz - left) / (middle - left), (right - bins_hz) / (right - middle)
    filters: NDArray[np.float64] = np.maximum(np.minimum(rising, falling), 0.0)
    return filters


def _cosine_transform(bands: int) -> NDArray[np.float64]:
    """Return the cosine transform without its constant, shape (CEPSTRA, bands)."""
    order, band = np.arange(1, CEPSTRA + 1)[:, None], np.arange(bands)
    transform: NDArray[np.float64] = np.cos(np.pi / bands * order * (band + 0.5)) * np.sqrt(2 / bands)
    return transform
