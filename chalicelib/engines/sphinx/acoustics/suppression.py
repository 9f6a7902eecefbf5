"""Takes stationary noise out of an utterance's power spectrum, bin by bin, before anything is made of it.

The noise is what a bin holds in the quietest moments of the utterance (Stahl, Fischer and Bippus 2000); the
gain is that of the log-spectral amplitude estimator with the decision-directed ratio (Ephraim and Malah 1984
and 1985). Nothing outlives the utterance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_AVERAGED_FRAMES = 8
_QUIET_SHARE = 0.15
_NOISE_OVER_QUIET = 1.88
"""What the mean of noise is, with a margin of a fifth, to that share of its running means over 80 ms."""
_CONTINUITY = 0.97
"""How much of a bin's ratio of speech to noise is that of the frame before."""
_LEAST_RATIO = 10**-2.5
_MOST_RATIO = 1e4
_LEAST_GAIN = 0.1
_LEAST_NOISE = 1e-9  # so that digital silence divides by something


def suppressed(power: Array) -> Array:
    """Return one utterance's power spectrum, shape (frames, bins), without the noise that is always there."""
    if len(power) == 0:
        return power
    quieter = np.empty_like(power)
    noise = _noise(power)
    speech_ratio = np.maximum(power[0] / noise - 1, 0)
    for frame, ratio in enumerate(np.minimum(power / noise, _MOST_RATIO)):
        expected = _CONTINUITY * speech_ratio + (1 - _CONTINUITY) * np.maximum(ratio - 1, 0)
        expected = np.maximum(expected, _LEAST_RATIO)
        wiener = expected / (1 + expected)
        gain = np.clip(wiener * np.exp(0.5 * _exponential_integral(wiener * ratio)), _LEAST_GAIN, 1)
        squared = gain * gain
        speech_ratio = squared * ratio
        quieter[frame] = power[frame] * squared
    return quieter


def _noise(power: Array) -> Array:
    """Return the noise in each bin, shape (bins,)."""
    width = min(_AVERAGED_FRAMES, len(power))
    sums = np.cumsum(np.vstack([np.zeros(power.shape[1]), power]), axis=0)
    means = (sums[width:] - sums[:-width]) / width
    noise: Array = np.maximum(_NOISE_OVER_QUIET * np.quantile(means, _QUIET_SHARE, axis=0), _LEAST_NOISE)
    return noise


def _exponential_integral(x: Array) -> Array:
    """Return E1 of positive numbers (Abramowitz and Stegun 1964, 5.1.53 and 5.1.56)."""
    x = np.maximum(x, 1e-6)
    low = np.minimum(x, 1)
    small = -np.log(low) + np.polyval(
        [0.00107857, -0.00976004, 0.05519968, -0.24991055, 0.99999193, -0.57721566], low
    )
    above = np.polyval([1, 8.5733287401, 18.0590169730, 8.6347608925, 0.2677737343], x)
    below = np.polyval([1, 9.5733223454, 25.6329561486, 21.0996530827, 3.9584969228], x)
    integral: Array = np.where(x <= 1, small, np.exp(-x) / x * above / below)
    return integral
