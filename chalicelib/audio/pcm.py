"""Headerless 16-bit PCM: byte order detected when it is not said."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np

from chalicelib.audio.content_types import ContentType, Endianness
from chalicelib.audio.errors import EndiannessUnclear
from chalicelib.audio.stream import BLOCK_SAMPLES, AudioFormat, Samples

_SAMPLE_BYTES = 2
_TAIL_BYTES = 1 << 16
_ENOUGH_BYTES = 64
# How much rougher the wrong byte order must look: speech and music give 5 to 500, white noise gives 1.
_CLEAR_RATIO = 1.5


class PcmStream:
    """Raw samples of an opened file."""

    def __init__(self, file: BinaryIO, audio_format: AudioFormat, endianness: Endianness) -> None:
        self.format = audio_format
        self._file = file
        self._dtype = np.dtype("<i2" if endianness == "little-endian" else ">i2")

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples; a last frame that is not whole is left out."""
        frame_bytes = self.format.channels * _SAMPLE_BYTES
        size = BLOCK_SAMPLES // self.format.channels * frame_bytes
        rest = b""
        while chunk := self._file.read(size):
            data = rest + chunk
            whole = len(data) - len(data) % frame_bytes
            rest = data[whole:]
            if whole:
                samples = np.frombuffer(data[:whole], self._dtype).astype(np.float32)
                samples *= np.float32(1 / 32768)
                yield samples.reshape(-1, self.format.channels)


@contextmanager
def opened(file: BinaryIO, said: ContentType) -> Iterator[PcmStream]:
    """Open audio/l16. A WAV file that is sent as such is read as samples, header included, as Watson does.

    Raises:
        EndiannessUnclear: no byte order was said and none can be told.
    """
    assert said.rate_hz is not None
    endianness = said.endianness or detect_endianness(file, said.channels)
    codec = "pcm_s16le" if endianness == "little-endian" else "pcm_s16be"
    yield PcmStream(file, AudioFormat(said.rate_hz, said.channels, codec), endianness)


def detect_endianness(file: BinaryIO, channels: int) -> Endianness:
    """Tell the byte order of 16-bit samples: in the right one, neighbouring samples are alike.

    Looks at the last 64 KiB before the silence at the end. Silence alone counts as little-endian.

    Raises:
        EndiannessUnclear: it is less than 64 bytes of sound, or noise.
    """
    head = file.read(4)
    total = file.seek(0, os.SEEK_END)
    try:
        if head == b"RIFF":
            return "little-endian"
        if head == b"RIFX":
            return "big-endian"
        tail = _tail(file, total)
    finally:
        file.seek(0)
    if not tail:
        return "little-endian"
    if len(tail) >= _ENOUGH_BYTES:
        little, big = _roughness(tail, "<i2", channels), _roughness(tail, ">i2", channels)
        if little * _CLEAR_RATIO < big:
            return "little-endian"
        if big * _CLEAR_RATIO < little:
            return "big-endian"
    raise EndiannessUnclear(len(tail), total)


def _tail(file: BinaryIO, total: int) -> bytes:
    """The last bytes of whole samples before the zeros at the end; empty when there are only zeros."""
    end = total - total % _SAMPLE_BYTES
    while end > 0:
        start = max(0, end - _TAIL_BYTES)
        file.seek(start)
        found = file.read(end - start).rstrip(b"\0")
        if found:
            last = start + len(found) + len(found) % _SAMPLE_BYTES
            start = max(0, last - _TAIL_BYTES)
            file.seek(start)
            return file.read(last - start)
        end = start
    return b""


def _roughness(data: bytes, dtype: str, channels: int) -> float:
    samples = np.frombuffer(data, dtype).astype(np.float64)
    distance = channels if len(samples) > channels else 1
    return float(np.abs(samples[distance:] - samples[:-distance]).mean())
