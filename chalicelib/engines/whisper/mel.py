"""Log-mel features as Whisper networks take them, and how long a window they fill."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.protocol import Samples

SAMPLE_RATE_HZ = 16_000
FRAMES_PER_S = 100
HOP = SAMPLE_RATE_HZ // FRAMES_PER_S
LONGEST_S = 30
"""Networks were trained on windows of this length and know no longer ones."""

Mel = NDArray[np.float32]
"""Log-mel energies, shape (bands, frames)."""

_FFT = 400
_LEAST_POWER = 1e-10
_RANGE = 8.0
"""Decades below the loudest band that are told apart."""

# Slaney's scale: linear up to 1 kHz, logarithmic above.
_LINEAR_HZ, _LINEAR_MEL = 1000.0, 15.0
_MEL_PER_HZ = _LINEAR_MEL / _LINEAR_HZ
_LOG_STEP = math.log(6.4) / 27


@dataclass(frozen=True)
class Window:
    """How many seconds the network looks at; what is not speech is zero in the features."""

    least_s: float = 10.0
    beyond_s: float = 5.0
    """Zeros behind the speech tell the network that it is over; without them it repeats itself."""
    most_speech_s: float = 28.0
    """Longer speech is cut. It is less than the longest window, since some zeros are needed behind it."""

    def frames(self, speech_frames: int) -> int:
        """Return the length of the window for so many frames of speech: an even number of frames."""
        wanted = max(self.least_s * FRAMES_PER_S, speech_frames + self.beyond_s * FRAMES_PER_S)
        return min(2 * math.ceil(wanted / 2), LONGEST_S * FRAMES_PER_S)


WHOLE = Window(least_s=LONGEST_S, beyond_s=0.0)
"""The window that networks were trained on."""
SHORT = Window()
"""Three times cheaper for an utterance of a few seconds."""


def log_mel(samples: Samples, bands: int = 80) -> Mel:
    """Return the features of speech, shape (bands, len(samples) // 160), contiguous and writable.

    Samples are at 16 kHz. Frame f is centred on sample 160 f. What is before the first sample is its mirror
    image, behind the last one is silence. The same samples give the same bits.
    """
    frames = len(samples) // HOP
    if frames == 0:
        return np.zeros((bands, 0), np.float32)
    half = _FFT // 2
    padded = np.zeros(max(len(samples), half + 1) + 2 * half, np.float32)
    padded[half : half + len(samples)] = samples
    padded[:half] = padded[2 * half : half : -1]
    framed = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[: frames * HOP : HOP]
    spectrum = np.fft.rfft(framed * _hann())
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
    log = np.log10(np.maximum(_filters(bands) @ power.T, np.float32(_LEAST_POWER)))
    return np.ascontiguousarray((np.maximum(log, log.max() - np.float32(_RANGE)) + 4) / 4, dtype=np.float32)


def windowed(mel: Mel, window: Window) -> Mel:
    """Return the features with zeros behind them, as long as the window; longer speech is refused.

    Raises:
        ValueError: there are more than 30 seconds.
    """
    bands, speech_frames = mel.shape
    if speech_frames > LONGEST_S * FRAMES_PER_S:
        raise ValueError(f"{speech_frames / FRAMES_PER_S:.1f} s do not fit into a window of {LONGEST_S} s")
    filled = np.zeros((bands, window.frames(speech_frames)), np.float32)
    filled[:, :speech_frames] = mel
    return filled


@functools.cache
def _hann() -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)).astype(np.float32)


@functools.cache
def _filters(bands: int) -> NDArray[np.float32]:
    """Return triangles of equal area, shape (bands, 201)."""
    top = _LINEAR_MEL + math.log(SAMPLE_RATE_HZ / 2 / _LINEAR_HZ) / _LOG_STEP
    mels = np.linspace(0, top, bands + 2)
    logarithmic = _LINEAR_HZ * np.exp(_LOG_STEP * (mels - _LINEAR_MEL))
    edges_hz = np.where(mels < _LINEAR_MEL, mels / _MEL_PER_HZ, logarithmic)
    distances = edges_hz[:, None] - np.linspace(0, SAMPLE_RATE_HZ / 2, _FFT // 2 + 1)[None]
    widths = np.diff(edges_hz)[:, None]
    rising, falling = -distances[:-2] / widths[:-1], distances[2:] / widths[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (edges_hz[2:] - edges_hz[:-2]))[:, None]).astype(np.float32)
