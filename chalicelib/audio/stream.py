"""What every decoder gives: the format of a recording and its frames, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

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


class AudioStream(Protocol):
    """An opened recording."""

    @property
    def format(self) -> AudioFormat:
        """How it was sampled and coded."""
        ...

    def blocks(self) -> Iterator[Samples]:
        """Yield samples in -1…1 of shape (n, channels), n > 0, once.

        Raises:
            Undecodable: the recording is damaged here.
        """
        ...


def check_rate(rate_hz: int, essence: str) -> None:
    """Refuse a header with a rate that no recording has.

    Raises:
        Undecodable: it is not in 1…384000.
    """
    if not 1 <= rate_hz <= MAX_RATE_HZ:
        raise Undecodable(essence, f"The header says {rate_hz} Hz, which no recording has. Export it again.")


def tamed(samples: Samples) -> Samples:
    """Clip to -1…1, and silence what is not a number: float files and lossy codecs may go beyond."""
    return np.clip(np.nan_to_num(samples, copy=False, nan=0.0, posinf=1.0, neginf=-1.0), -1, 1, out=samples)
