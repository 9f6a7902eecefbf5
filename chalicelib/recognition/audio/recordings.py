"""A recording of any format, decoded once onto disk and read from there in stretches."""

from __future__ import annotations

import bisect
import contextlib
import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib import settings
from chalicelib.audio import decoding
from chalicelib.audio.channels import Mixer
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.silence import is_digital_silence
from chalicelib.engines.protocol import Samples
from chalicelib.sharing.held import HeldByOwners
from chalicelib.sharing.turnstile import Turnstile

MAX_DURATION_S = 12 * 3600.0
"""100 MB hold no more speech than this in any sensible format; on disk it is 1.4 GB at 16 kHz.
Channels that are kept apart share it."""
_FULL_SCALE = 32768.0
_BLOCK_S = 10

held = HeldByOwners(settings.owner_temporary_bytes)
"""What recordings that are being recognised take on this machine's disk."""
_listening = Turnstile(len(os.sched_getaffinity(0)))
"""Decoding and looking for speech go on in one process, where many threads would be in each other's way."""


@dataclass(frozen=True)
class DecodedRecording:
    """Samples at a recogniser's rate, in a file that is mapped into memory."""

    pcm: NDArray[np.int16]
    """Shape (n,); where several channels are kept apart, (n, channels)."""
    rate_hz: int
    owner: str = ""
    """Whose turn it is when its blocks are looked at."""
    silences: tuple[tuple[int, int], ...] = ()
    """Where digital silence is known to be, from sample to sample: it need not be read."""

    @property
    def channels(self) -> tuple[DecodedRecording, ...]:
        """Each channel as a recording of its own, in the same file."""
        if self.pcm.ndim == 1:
            return (self,)
        return tuple(DecodedRecording(one, self.rate_hz, self.owner, self.silences) for one in self.pcm.T)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.pcm) / self.rate_hz

    def samples(self, start: int, end: int) -> Samples:
        """Return a stretch in -1…1, shape (end - start,), or with the channels behind it."""
        wanted = self.pcm[start:end]
        place = bisect.bisect_right(self.silences, start, key=lambda silence: silence[0]) - 1
        if place >= 0 and start + len(wanted) <= self.silences[place][1]:
            return np.zeros(wanted.shape, np.float32)
        return _samples(wanted)

    def blocks(self) -> Iterator[Samples]:
        """Yield all of it in -1…1, piece by piece; what is done with a piece is done in the owner's turn."""
        step = _BLOCK_S * self.rate_hz
        for start in range(0, len(self.pcm), step):
            with _listening.turn(self.owner):
                yield self.samples(start, start + step)


def rounded(samples: Samples) -> Samples:
    """Return samples as a recording keeps them, in 16 bits: a stream gets the same words as a file."""
    return _samples(_pcm(samples))


def _pcm(samples: Samples) -> NDArray[np.int16]:
    scaled = np.clip(samples * _FULL_SCALE, -_FULL_SCALE, _FULL_SCALE - 1)
    return np.asarray(np.rint(scaled), np.int16)


def _samples(pcm: NDArray[np.int16]) -> Samples:
    return pcm.astype(np.float32) / np.float32(_FULL_SCALE)


@contextmanager
def decoded(
    source: Path,
    content_type: ContentType | None,
    rate_hz: int,
    *,
    least_rate_hz: int | None = None,
    mixer: Mixer | None = None,
    owner: str = "",
    heard: Callable[[float], None] = lambda _: None,
) -> Iterator[DecodedRecording]:
    """Decode an audio file for as long as the context lasts.

    Args:
        source: the file.
        content_type: what it is said to be; None: to be detected.
        rate_hz: what the recogniser takes.
        least_rate_hz: the least that the file must have; `rate_hz` unless given.
        mixer: what is made of channels; their average unless given.
        owner: whose it is: owners take turns, and each may hold so much on disk.
        heard: is told how many seconds were decoded, also where that ended in an error.

    Raises:
        sharing.held.TooMuchHeld: the owner's recordings take more room than they may.
        audio.errors.AudioError: it cannot be used.
    """
    limits = decoding.DecodingLimits(duration_s=MAX_DURATION_S)
    mixer = mixer or Mixer()
    blocks = decoding.mixed(source, content_type, rate_hz, mixer, min_rate_hz=least_rate_hz, limits=limits)
    with (
        tempfile.TemporaryFile(prefix="attune-recording-") as file,
        held.holding(owner) as take,
        contextlib.closing(_in_turns(blocks, owner)) as turns,
    ):
        total, silences = 0, list[tuple[int, int]]()
        try:
            for block in turns:
                before, total = total, total + len(block)
                size_bytes = block.size * np.dtype(np.int16).itemsize
                if is_digital_silence(block):  # a hole in the file: it takes no room on the disk
                    file.seek(size_bytes, os.SEEK_CUR)
                    begins = silences.pop()[0] if silences and silences[-1][1] == before else before
                    silences.append((begins, total))
                else:
                    take(size_bytes)
                    file.write(_pcm(block).tobytes())
        finally:
            heard(total / rate_hz)
        file.truncate()
        shape = (total,) if mixer.channels == 1 else (total, mixer.channels)
        mapped = np.memmap(file, np.int16, "r", shape=shape) if total else np.empty(shape, np.int16)
        yield DecodedRecording(mapped, rate_hz, owner, tuple(silences))


def _in_turns(blocks: Iterator[Samples], owner: str) -> Generator[Samples]:
    """Yield blocks each of which is made, and dealt with, in the owner's turn."""
    while True:
        with _listening.turn(owner):
            block = next(blocks, None)
            if block is None:
                return
            yield block
