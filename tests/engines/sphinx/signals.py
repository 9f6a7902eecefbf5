"""Sounds that need no recording."""

from __future__ import annotations

import numpy as np

from chalicelib.engines.protocol import Samples


def babble(seconds: float, rate_hz: int, seed: int = 0) -> Samples:
    """Return a buzz with moving formants and pauses: nothing that means anything, shaped like speech."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate_hz)
    time_s = np.arange(count) / rate_hz
    buzz = sum(np.sin(2 * np.pi * 120 * order * time_s) / order for order in range(1, 25))
    beat = 0.5 + 0.5 * np.sin(2 * np.pi * (3 + random.uniform()) * time_s)
    sound = np.asarray(buzz) * beat * (np.sin(2 * np.pi * 0.7 * time_s) > -0.5)
    return np.asarray(0.05 * sound + 0.002 * random.standard_normal(count), np.float32)
