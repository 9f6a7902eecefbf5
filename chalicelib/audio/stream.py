"""What every decoder gives: the format of a recording and its frames, block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.audio.errors import Undecodable

Samples = NDArray[np.float32]

BLOCK_SAMPLES = 1 << 18
"""Samples of all channels in one block (1 MiB of float32): bounded memory, and few calls."""

MAX_RATE_HZ = 384_000


@dataclass(frozen=True)
class AudioFormat:
    """How a recording was sampled and coded."""

    rate_hz: int
    channels: int
    codec: str
    """As FFmpeg spells it: pcm_s16le, flac, opus, …"""
    announced_frames: int | None = None
    """Length that the file itself claims; None: it claims nothing."""
    original_rate_hz: int | None = None
    """Of the sound that was coded, where the samples have another rate: Opus always gives 48,000 Hz."""

    @property
    def recorded_hz(self) -> int:
        """The rate at which the sound was sampled, by which it is judged."""
        return self.original_rate_hz or self.rate_hz


def check_rate(rate_hz: int, essence: str) -> None:
    """Refuse a header with a rate that no recording has.

    Raises:
        Undecodable: it is not in 1…384000.
    """
    if not 1 <= rate_hz <= MAX_RATE_HZ:
        raise Undecodable(essence, f"The header says {rate_hz} Hz, which no recording has. Export it again.")


def clipped(samples: Samples) -> Samples:
    """Clip to -1…1, and silence what is not a number: lossy codecs overshoot."""
    return np.clip(np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0), -1, 1, out=samples)
