"""Sounds that a speech detector takes for speech, or for silence, where nothing has to be recognised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def murmur(seconds: float, rate_hz: int, *, seed: int = 0) -> NDArray[np.float32]:
    """A voice with pitch and syllables, but no words."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    pitch_hz = 120 * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * time_s + seed))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate_hz
    voice = np.sum([np.sin(overtone * phase) / overtone for overtone in range(1, 24)], axis=0)
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * time_s), 0, 1) ** 0.5
    return np.asarray(0.15 * voice * syllables + hush(seconds, rate_hz, seed=seed), np.float32)


def hush(seconds: float, rate_hz: int, *, seed: int = 0) -> NDArray[np.float32]:
    """A quiet room."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * rate_hz))
    return (0.001 * noise).astype(np.float32)


def write(path: Path, content: bytes) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
