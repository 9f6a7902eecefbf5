"""Samples to features: the bundled acoustic model's front end in NumPy, without state between utterances.

It computes what pocketsphinx does with the model's `feat.params` (25 mel bands from 130 to 6800 Hz, noise
removal per band, 13 liftered cepstra, first and second differences), in floating point. Its own front
end carries its noise estimate from one utterance into the next, so that a result depends on what was heard
before; this one does not.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.protocol import Samples
from chalicelib.engines.sphinx.acoustics.suppression import suppressed

Array = NDArray[np.float64]

FRAMES_PER_S = 100
MEL_BANDS = 25
CEPSTRA = 13
LOOK_AHEAD_FRAMES = 3
"""How far around a frame its differences look."""
WIDEBAND_HZ = 16_000
NARROWBAND_HZ = 8_000

_LOWEST_HZ, _HIGHEST_HZ = 130.0, 6800.0
_BIN_HZ = 31.25  # 16 kHz in 512 points, 8 kHz in 256: the bins of both rates coincide
_WINDOW_S = 0.025625
_PRE_EMPHASIS = np.float64(np.float32(0.97))
_INT16_SCALE = 32768.0
_LOG_FLOOR = 1e-4

# Noise removal as in pocketsphinx (power tracking and temporal masking of PNCC, Kim and Stern 2010).
_POWER_DECAY = 0.7
_ENVELOPE_UP, _ENVELOPE_DOWN = 0.995, 0.5
_MASK_DECAY, _MASK_LEVEL = 0.85, 0.2
_MAX_GAIN = 20.0
_SMOOTHED_BANDS = 4
_LEAST_POWER = 1e-30  # so that digital silence divides by something


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mel: float) -> float:
    return float(700 * (10 ** (mel / 2595) - 1))


def _mel_filters() -> Array:
    """Return the triangular filters of unit area, corners rounded to bins, shape (MEL_BANDS, 257)."""
    step = (_mel(_HIGHEST_HZ) - _mel(_LOWEST_HZ)) / (MEL_BANDS + 1)
    corners_hz = np.array(
        [int(_hz(_mel(_LOWEST_HZ) + i * step) / _BIN_HZ + 0.5) * _BIN_HZ for i in range(MEL_BANDS + 2)]
    )
    left, middle, right = corners_hz[:-2, None], corners_hz[1:-1, None], corners_hz[2:, None]
    bins_hz = np.arange(257) * _BIN_HZ
    rising = (bins_hz - left) / (middle - left)
    falling = (right - bins_hz) / (right - middle)
    filters: Array = np.maximum(np.minimum(rising, falling), 0) * 2 / (right - left)
    return filters


def _band_smoothing() -> Array:
    """Return the averaging of gains over neighbouring bands, shape (MEL_BANDS, MEL_BANDS)."""
    smoothing = np.zeros((MEL_BANDS, MEL_BANDS))
    for band in range(MEL_BANDS):
        first, last = max(band - _SMOOTHED_BANDS, 0), min(band + _SMOOTHED_BANDS, MEL_BANDS - 1)
        smoothing[band, first : last + 1] = 1 / (last - first + 1)
    return smoothing


def _cosine_transform() -> Array:
    """Return the orthonormal cosine transform with the lifter on top, shape (CEPSTRA, MEL_BANDS)."""
    order, band = np.arange(CEPSTRA)[:, None], np.arange(MEL_BANDS)
    transform: Array = np.cos(np.pi / MEL_BANDS * order * (band + 0.5)) * np.sqrt(2 / MEL_BANDS)
    transform[0] /= np.sqrt(2)
    lifter: Array = 1 + 22 / 2 * np.sin(np.arange(CEPSTRA) * np.pi / 22)
    transform *= lifter[:, None]
    return transform


_FILTERS = _mel_filters()
_SMOOTHING = _band_smoothing()
_TO_CEPSTRA = _cosine_transform()
NARROW_BANDS = int(np.sum(~_FILTERS[:, int(NARROWBAND_HZ / 2 / _BIN_HZ) :].any(axis=1)))
"""How many of the lowest mel bands lie wholly below 4 kHz."""


def log_mel(
    samples: Samples, rate_hz: int, *, remove_noise: bool = True, suppress_noise: bool = False
) -> Array:
    """Return the logarithmic mel spectrum of one utterance, 100 frames a second.

    Args:
        samples: float32 mono in -1…1, at `rate_hz`.
        rate_hz: 16,000 gives all MEL_BANDS bands, 8,000 the NARROW_BANDS below 4 kHz, on the same scale.
        remove_noise: apply the model's own noise removal, starting afresh.
        suppress_noise: take stationary noise out of the spectrum in its place, which then is not applied.

    Returns:
        Shape (frames, bands); no frames for no samples.
    """
    power = _power_spectrum(samples, rate_hz)
    if suppress_noise:
        power = suppressed(power)
    bands = MEL_BANDS if rate_hz == WIDEBAND_HZ else NARROW_BANDS
    mel = power @ _FILTERS[:bands, : power.shape[1]].T
    if remove_noise and not suppress_noise and len(mel):
        mel = _NoiseRemoval().removed(mel)
    return np.log(mel + _LOG_FLOOR)


def cepstra(log_mel_spectrum: Array) -> Array:
    """Return the liftered cepstra of a whole mel spectrum, (frames, MEL_BANDS) to (frames, CEPSTRA)."""
    return log_mel_spectrum @ _TO_CEPSTRA.T


def with_differences(normalised_cepstra: Array) -> NDArray[np.float32]:
    """Return the three streams that the Gaussians see, side by side: (frames, 13) to (frames, 39)."""
    frames = len(normalised_cepstra)
    if frames == 0:
        return np.empty((0, 3 * CEPSTRA), np.float32)
    around = LOOK_AHEAD_FRAMES
    padded = np.pad(normalised_cepstra, ((around, around), (0, 0)), mode="edge")

    def shifted(by: int) -> Array:
        return padded[around + by : around + by + frames]

    first = shifted(2) - shifted(-2)
    second = (shifted(3) - shifted(-1)) - (shifted(1) - shifted(-3))
    return np.hstack([normalised_cepstra, first, second]).astype(np.float32)


class LogMelStream:
    """What `log_mel` gives, frame by frame while an utterance is spoken: the two differ by rounding only."""

    def __init__(self, rate_hz: int) -> None:
        """Begin an utterance at 16,000 or 8,000 Hz."""
        self._rate_hz = rate_hz
        self.bands = MEL_BANDS if rate_hz == WIDEBAND_HZ else NARROW_BANDS
        self._left = np.empty(0)  # emphasised, from the next frame's first sample on
        self._last = 0.0
        self._noise_removal = _NoiseRemoval()

    def feed(self, samples: Samples) -> Array:
        """Take the samples that follow, and return what is complete by now, shape (frames, bands)."""
        signal = samples.astype(np.float64) * _INT16_SCALE
        if self._rate_hz == WIDEBAND_HZ and len(signal):
            before = np.concatenate([[self._last], signal[:-1]])
            self._last = float(signal[-1])
            signal = signal - _PRE_EMPHASIS * before
        self._left = np.concatenate([self._left, signal])
        shift = self._rate_hz // FRAMES_PER_S
        frames = max(0, (len(self._left) - _window_length(self._rate_hz)) // shift + 1)
        return self._seen(frames)

    def finish(self) -> Array:
        """Return the last frame, which is filled up with silence, if there is one."""
        if len(self._left) == 0:
            return np.empty((0, self.bands))
        self._left = np.pad(self._left, (0, _window_length(self._rate_hz)))
        return self._seen(1)

    def _seen(self, frames: int) -> Array:
        if frames == 0:
            return np.empty((0, self.bands))
        power = _power_of_frames(self._left, frames, self._rate_hz)
        self._left = self._left[frames * (self._rate_hz // FRAMES_PER_S) :]
        mel = power @ _FILTERS[: self.bands, : power.shape[1]].T
        return np.log(self._noise_removal.removed(mel) + _LOG_FLOOR)


def _window_length(rate_hz: int) -> int:
    return round(_WINDOW_S * rate_hz)


def _power_spectrum(samples: Samples, rate_hz: int) -> Array:
    """Return the power in bins of 31.25 Hz, scaled as for 16-bit samples at 16 kHz: (frames, bins)."""
    if rate_hz not in (WIDEBAND_HZ, NARROWBAND_HZ):
        raise ValueError(f"no front end for {rate_hz} Hz")
    length, shift = _window_length(rate_hz), rate_hz // FRAMES_PER_S
    signal = samples.astype(np.float64) * _INT16_SCALE
    whole = max(0, (len(signal) - length) // shift + 1)
    frames = whole + (1 if len(signal) > whole * shift else 0)
    if rate_hz == WIDEBAND_HZ:
        signal[1:] -= _PRE_EMPHASIS * signal[:-1].copy()
    padded = np.concatenate([signal, np.zeros(max(0, frames * shift + length - len(signal)))])
    return _power_of_frames(padded, frames, rate_hz)


def _power_of_frames(emphasised: Array, frames: int, rate_hz: int) -> Array:
    """Return the power of so many frames of a signal, which at 16 kHz is emphasised already."""
    length, shift = _window_length(rate_hz), rate_hz // FRAMES_PER_S
    windows = np.lib.stride_tricks.sliding_window_view(emphasised, length)[::shift][:frames]
    spectrum = np.fft.rfft(windows * _hamming(length), round(rate_hz / _BIN_HZ))
    power: Array = spectrum.real**2 + spectrum.imag**2
    if rate_hz == NARROWBAND_HZ:
        power *= _narrowband_emphasis()
    return power


@functools.cache
def _hamming(length: int) -> Array:
    window: Array = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(length) / (length - 1))
    return window


@functools.cache
def _narrowband_emphasis() -> Array:
    """Return pre-emphasis at 16 kHz as powers of the spectrum; half as many samples carry a quarter of it."""
    bins_hz = np.arange(round(NARROWBAND_HZ / 2 / _BIN_HZ) + 1) * _BIN_HZ
    emphasis: Array = 4 * np.abs(1 - _PRE_EMPHASIS * np.exp(-2j * np.pi * bins_hz / WIDEBAND_HZ)) ** 2
    return emphasis


class _NoiseRemoval:
    """Takes each band's slow floor and masked tails out of an utterance, piece by piece."""

    def __init__(self) -> None:
        self._power = self._noise = self._floor = self._peak = np.empty(0)

    def removed(self, mel: Array) -> Array:
        """Return the mel power of the frames that follow, less noise; the state starts at the first one."""
        if len(mel) == 0:
            return mel
        bands = mel.shape[1]
        if len(self._power) == 0:
            self._power = mel[0]
            self._noise = self._floor = mel[0] / _MAX_GAIN
            self._peak = np.zeros(bands)
        power = _decayed(mel, self._power)
        noise = _lower_envelope(power, self._noise)
        signal = np.maximum(power - noise, 1.0)
        floor = _lower_envelope(signal, self._floor)
        masked, self._peak = _masked(signal, self._peak)
        self._power, self._noise, self._floor = power[-1], noise[-1], floor[-1]
        masked = np.maximum(masked, floor)
        gain = np.minimum(masked / np.maximum(power, _LEAST_POWER), _MAX_GAIN)
        smoothing = _SMOOTHING[:bands, :bands] / _SMOOTHING[:bands, :bands].sum(axis=1, keepdims=True)
        smoothed: Array = np.maximum(gain, 1 / _MAX_GAIN) @ smoothing.T
        return mel * smoothed


def _decayed(mel: Array, start: Array) -> Array:
    power = np.empty_like(mel)
    state = start.copy()
    for frame, now in enumerate((1 - _POWER_DECAY) * mel):
        state *= _POWER_DECAY
        state += now
        power[frame] = state
    return power


def _lower_envelope(values: Array, start: Array) -> Array:
    envelope = np.empty_like(values)
    state = start
    rising, falling = (1 - _ENVELOPE_UP) * values, (1 - _ENVELOPE_DOWN) * values
    for frame, value in enumerate(values):
        state = np.where(
            value >= state, _ENVELOPE_UP * state + rising[frame], _ENVELOPE_DOWN * state + falling[frame]
        )
        envelope[frame] = state
    return envelope


def _masked(signal: Array, peak: Array) -> tuple[Array, Array]:
    """Return what follows a louder frame closely lowered to a share of the decaying peak, and the peak."""
    masked = np.empty_like(signal)
    for frame, now in enumerate(signal):
        peak = peak * _MASK_DECAY
        masked[frame] = np.where(now < _MASK_DECAY * peak, peak * _MASK_LEVEL, now)
        peak = np.maximum(now, peak)
    return masked, peak
