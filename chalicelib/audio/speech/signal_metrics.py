"""What a recording's signal is like: offset, clipping, levels, noise and bandwidth, measured as it comes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.audio.speech.speech_activity import FRAME_S, SpeechActivity
from chalicelib.audio.stream import Samples

INTERVAL_S = 0.1
"""Length of the segments that the histograms count."""

OFFSET_EDGES = (-1.0, -0.9, -0.7, -0.5, -0.3, -0.1, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
CLIPPING_EDGES = (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
LEVEL_EDGES = tuple(tenth / 10 for tenth in range(11))

_FRAMES_PER_SEGMENT = round(INTERVAL_S / FRAME_S)
_FULL_SCALE = 32767 / 32768
"""The largest sample of 16 bits. A clipped signal whose rate was converted overshoots it."""
_LEAST_DB = -20 * math.log10(32768)
"""A level of 0: one step of 16 bits."""
_LEAST_POWER = 1 / 12 / 32768**2
"""Noise of 16 bits' rounding: there is never less."""
_MOST_SNR_DB = 100.0

# Speech has sounds whose upper half of the spectrum is not far below the lower half; up-sampled audio has
# none, only rounding noise. Measured on the loudest tenth of what the upper half has in speech.
_LOSS_RATIO_DB, _LOSS_SLOPE_DB = -32.0, 2.0
_LEAST_SEGMENTS = 3
_LOUD_SHARE = 0.1
_RATIO_STEP_DB, _RATIO_STEPS = 1.0, 121

Counts = tuple[int, ...]


@dataclass(frozen=True)
class SignalMetrics:
    """Of a whole recording. A histogram has one count for each interval between its edges."""

    duration_s: float
    signal_to_noise_db: float | None
    """0 … 100; None: there is no speech, or nothing else."""
    speech_ratio: float
    """Share of the segments in which somebody speaks."""
    high_frequency_loss: float
    """Probability that the upper half of the spectrum is missing; 0.5: it cannot be told."""
    direct_current_offset: Counts
    """Segments by their mean, between `OFFSET_EDGES`."""
    clipping_rate: Counts
    """Segments by their share of samples at full scale, between `CLIPPING_EDGES`."""
    speech_level: Counts
    """Segments with speech by level, between `LEVEL_EDGES`: 1 is full scale, 0 one step of 16 bits, in dB."""
    non_speech_level: Counts


class SignalMeter:
    """Measures a mono stream that comes in pieces of any size, in constant memory."""

    def __init__(self, rate_hz: int) -> None:
        """Take a rate of the speech detector."""
        self._rate_hz = rate_hz
        self._segment = round(rate_hz * INTERVAL_S)
        self._activity = SpeechActivity(rate_hz)
        self._samples = 0
        self._rest: Samples = np.empty(0, np.float32)
        self._heard: NDArray[np.bool_] = np.empty(0, np.bool_)
        """Judged frames whose segment is not."""
        self._waiting: NDArray[np.float64] = np.empty((0, 2))
        """Power and ratio of the halves of the spectrum, in dB, of segments that are not judged."""
        self._offsets = np.zeros(len(OFFSET_EDGES) - 1, np.int64)
        self._clipping = np.zeros(len(CLIPPING_EDGES) - 1, np.int64)
        self._levels = np.zeros((2, len(LEVEL_EDGES) - 1), np.int64)
        """Without speech and with it."""
        self._power = np.zeros(2)
        self._ratios = np.zeros(_RATIO_STEPS, np.int64)
        """Of segments with speech, by how far the upper half of the spectrum lies below the lower."""

    def feed(self, samples: Samples) -> None:
        """Take the next samples, in -1…1."""
        self._samples += len(samples)
        self._heard = np.concatenate([self._heard, self._activity.feed(samples).speech])
        together = np.concatenate([self._rest, samples])
        whole = len(together) // self._segment * self._segment
        self._rest = together[whole:].copy()
        self._measure(together[:whole].reshape(-1, self._segment))
        self._judge()

    def finish(self) -> SignalMetrics:
        """Return the metrics; a last segment counts when half of it is there. Of no use afterwards."""
        if 2 * len(self._rest) >= self._segment:
            self._measure(self._rest[None, :])
        self._heard = np.concatenate([self._heard, self._activity.finish().speech])
        missing = len(self._waiting) * _FRAMES_PER_SEGMENT - len(self._heard)
        self._heard = np.pad(self._heard, (0, max(missing, 0)))
        self._judge()
        quiet, spoken = self._levels.sum(axis=1).tolist()
        return SignalMetrics(
            duration_s=self._samples / self._rate_hz,
            signal_to_noise_db=self._signal_to_noise_db(quiet, spoken),
            speech_ratio=spoken / (spoken + quiet) if spoken else 0.0,
            high_frequency_loss=self._high_frequency_loss(),
            direct_current_offset=tuple(self._offsets.tolist()),
            clipping_rate=tuple(self._clipping.tolist()),
            speech_level=tuple(self._levels[1].tolist()),
            non_speech_level=tuple(self._levels[0].tolist()),
        )

    def _measure(self, segments: Samples) -> None:
        """Count segments of shape (n, samples) where that needs no judgement."""
        if not len(segments):
            return
        means = segments.mean(axis=1, dtype=np.float64)
        self._offsets += _histogram(means, OFFSET_EDGES)
        self._clipping += _histogram((np.abs(segments) >= _FULL_SCALE).mean(axis=1), CLIPPING_EDGES)
        power = segments.var(axis=1, dtype=np.float64)
        window = np.hanning(segments.shape[1])
        spectrum = np.abs(np.fft.rfft((segments - means[:, None]) * window, axis=1)) ** 2
        half = spectrum.shape[1] // 2
        lower, upper = spectrum[:, :half].sum(axis=1), spectrum[:, half:].sum(axis=1)
        rounding = _LEAST_POWER * np.square(window).sum() * half
        ratio_db = 10 * np.log10((np.maximum(upper - 2 * rounding, 0.0) + 1e-12) / (lower + 1e-12))
        self._waiting = np.concatenate([self._waiting, np.column_stack([power, ratio_db])])

    def _judge(self) -> None:
        ready = min(len(self._heard) // _FRAMES_PER_SEGMENT, len(self._waiting))
        if not ready:
            return
        frames = self._heard[: ready * _FRAMES_PER_SEGMENT].reshape(ready, -1)
        power, ratio_db = self._waiting[:ready].T
        self._heard, self._waiting = self._heard[frames.size :], self._waiting[ready:]
        spoken = frames.any(axis=1)
        levels = 1 - 10 * np.log10(np.maximum(power, 1e-12)) / _LEAST_DB
        for kind, chosen in enumerate((~spoken, spoken)):
            self._levels[kind] += _histogram(levels[chosen], LEVEL_EDGES)
            self._power[kind] += power[chosen].sum()
        steps = np.clip(np.rint(-ratio_db[spoken] / _RATIO_STEP_DB), 0, _RATIO_STEPS - 1).astype(np.intp)
        self._ratios += np.bincount(steps, minlength=_RATIO_STEPS)

    def _signal_to_noise_db(self, quiet: int, spoken: int) -> float | None:
        if not quiet or not spoken:
            return None
        noise = max(self._power[0] / quiet, _LEAST_POWER)
        speech = max(self._power[1] / spoken - noise, _LEAST_POWER)
        return float(np.clip(10 * np.log10(speech / noise), 0.0, _MOST_SNR_DB))

    def _high_frequency_loss(self) -> float:
        total = int(self._ratios.sum())
        if total < _LEAST_SEGMENTS:
            return 0.5
        step = int(np.argmax(np.cumsum(self._ratios) >= _LOUD_SHARE * total))
        return float(1 / (1 + np.exp((-step * _RATIO_STEP_DB - _LOSS_RATIO_DB) / _LOSS_SLOPE_DB)))


def _histogram(values: NDArray[np.float64], edges: tuple[float, ...]) -> NDArray[np.int64]:
    """Count values between edges; what lies beyond goes to the first or the last."""
    return np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0].astype(np.int64)
