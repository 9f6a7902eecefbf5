"""A recording of any format, decoded once onto disk and read from there in stretches."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.audio import decoding
from chalicelib.audio.channels import Mixer
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.silence import is_digital_silence
from chalicelib.engines.protocol import Samples

MAX_DURATION_S = 12 * 3600.0
"""100 MB hold no more speech than this in any sensible format; on disk it is 1.4 GB at 16 kHz.
Channels that are kept apart share it."""
_FULL_SCALE = 32768.0
_BLOCK_S = 10


@dataclass(frozen=True)
class Recording:
    """Samples at a recogniser's rate, in a file that is mapped into memory."""

    pcm: NDArray[np.int16]
    """Shape (n,); where several channels are kept apart, (n, channels)."""
    rate_hz: int

    @property
    def channels(self) -> tuple[Recording, ...]:
        """Each channel as a recording of its own, in the same file."""
        if self.pcm.ndim == 1:
            return (self,)
        return tuple(Recording(one, self.rate_hz) for one in self.pcm.T)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.pcm) / self.rate_hz

    def samples(self, start: int, end: int) -> Samples:
        """Return a stretch in -1…1, shape (end - start,), or with the channels behind it."""
        return _samples(self.pcm[start:end])

    def blocks(self) -> Iterator[Samples]:
        """Yield all of it in -1…1, piece by piece."""
        step = _BLOCK_S * self.rate_hz
        for start in range(0, len(self.pcm), step):
            yield self.samples(start, start + step)


def rounded(samples: Samples) -> Samples:
    """Return samples as a recording keeps them, in 16 bits: a stream gets the same words as a file."""
    return _samples(_pcm(samples))


def _pcm(samples: Samples) -> NDArray[np.int16]:
    scaled = np.clip(samples * _FULL_SCALE, -_FULL_SCALE, _FULL_SCALE - 1)
    return np.asarray(np.rint(scaled), np.int16)


def _samples(pcm: NDArray[np.int16]) -> Samples:
    if is_digital_silence(pcm):
        return np.zeros(pcm.shape, np.float32)
    return pcm.astype(np.float32) / np.float32(_FULL_SCALE)


@contextmanager
def decoded(
    source: Path,
    content_type: ContentType | None,
    rate_hz: int,
    *,
    least_rate_hz: int | None = None,
    mixer: Mixer | None = None,
) -> Iterator[Recording]:
    """Decode an audio file for as long as the context lasts.

    Args:
        source: the file.
        content_type: what it is said to be; None: to be detected.
        rate_hz: what the recogniser takes.
        least_rate_hz: the least that the file must have; `rate_hz` unless given.
        mixer: what is made of channels; their average unless given.

    Raises:
        audio.errors.AudioError: it cannot be used.
    """
    limits = decoding.Limits(duration_s=MAX_DURATION_S)
    mixer = mixer or Mixer()
    with tempfile.TemporaryFile(prefix="attune-recording-") as file:
        total = 0
        for block in decoding.mixed(
            source, content_type, rate_hz, mixer, min_rate_hz=least_rate_hz, limits=limits
        ):
            if not is_digital_silence(block):
                file.write(_pcm(block).tobytes())
            else:  # a hole in the file: it takes no room on the disk
                file.seek(block.size * np.dtype(np.int16).itemsize, os.SEEK_CUR)
            total += len(block)
        file.truncate()
        shape = (total,) if mixer.channels == 1 else (total, mixer.channels)
        mapped = np.memmap(file, np.int16, "r", shape=shape) if total else np.empty(shape, np.int16)
        yield Recording(mapped, rate_hz)
