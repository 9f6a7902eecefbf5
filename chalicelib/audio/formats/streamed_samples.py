"""Samples out of bytes as they come: integers, floating-point numbers, µ-law and A-law."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from chalicelib.audio.errors import Undecodable
from chalicelib.audio.formats import byte_order
from chalicelib.audio.formats.full_scale import FullScale
from chalicelib.audio.stream import AudioFormat, Samples

_ENDIANNESS_BYTES = 8192
"""So much sound is looked at before the byte order is decided: a quarter of a second at 16 kHz."""
_ENDIANNESS_MOST_BYTES = 1 << 16

Law = Literal["ULAW", "ALAW"]


@dataclass(frozen=True)
class Coding:
    """How samples lie in bytes."""

    name: str
    """As FFmpeg spells it."""
    sample_bytes: int
    to_float: Callable[[bytes], Samples]
    """Whole samples to values in -1…1, shape (n,); floating-point numbers may go beyond."""
    is_bounded: bool = True
    """No value goes beyond full scale."""


def linear(bits: int, *, big: bool = False) -> Coding:
    """Return the coding of integers of 8 (unsigned), 16, 24 or 32 bits."""
    order, letters = (">", "be") if big else ("<", "le")

    def to_float(data: bytes) -> Samples:
        if bits == 8:
            return (np.frombuffer(data, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
        if bits == 24:
            # In the upper three bytes of four.
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, slice(0, 3) if big else slice(1, 4)] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            numbers = wide.reshape(-1).view(f"{order}i4")
        else:
            numbers = np.frombuffer(data, f"{order}i{bits // 8}")
        scale = 1 << (15 if bits == 16 else 31)
        return np.asarray(numbers.astype(np.float32) / np.float32(scale))

    return Coding("pcm_u8" if bits == 8 else f"pcm_s{bits}{letters}", bits // 8, to_float)


def floating(bits: int, *, big: bool = False) -> Coding:
    """Return the coding of floating-point numbers of 32 or 64 bits."""
    order, letters = (">", "be") if big else ("<", "le")

    def to_float(data: bytes) -> Samples:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.frombuffer(data, f"{order}f{bits // 8}").astype(np.float32)

    return Coding(f"pcm_f{bits}{letters}", bits // 8, to_float, is_bounded=False)


def companded(law: Law) -> Coding:
    """Return the coding of µ-law or A-law."""
    return Coding(
        "pcm_mulaw" if law == "ULAW" else "pcm_alaw",
        1,
        lambda data: _table(law)[np.frombuffer(data, np.uint8)],
    )


@functools.cache
def _table(law: Law) -> NDArray[np.float32]:
    """What libsndfile, which decodes whole files, makes of each byte."""
    every = io.BytesIO(bytes(range(256)))
    values, _ = soundfile.read(every, dtype="float32", format="RAW", subtype=law, channels=1, samplerate=8000)
    return np.asarray(values, np.float32)


class Raw:
    """Samples of a known coding without a header."""

    damaged_s = None

    def __init__(self, coding: Coding, rate_hz: int, channels: int) -> None:
        self.format = AudioFormat(rate_hz, channels, coding.name)
        self._coding = coding
        self._frame_bytes = coding.sample_bytes * channels
        self._full_scale = None if coding.is_bounded else FullScale(rate_hz, channels)
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, channels)."""
        data = self._rest + data
        whole = len(data) - len(data) % self._frame_bytes
        self._rest = data[whole:]
        if whole:
            samples = self._coding.to_float(data[:whole]).reshape(-1, self.format.channels)
            if self._full_scale is None:
                yield samples
            else:
                yield from self._full_scale.feed(samples)

    def begin_anew(self) -> None:
        """Leave out a frame that is not whole: what comes next begins with the first of its bytes."""
        self._rest = b""

    def finish(self) -> Iterator[Samples]:
        """Yield what was held back; a last frame that is not whole is left out."""
        if self._full_scale is not None:
            yield from self._full_scale.finish()

    def close(self) -> None:
        """Do nothing."""


class RawUnordered:
    """16-bit samples whose byte order nobody said: zeros pass at once, then some sound is looked at first."""

    damaged_s = None

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._channels = channels
        self.format = AudioFormat(rate_hz, channels, linear(16).name)
        self._raw: Raw | None = None
        self._held = b""

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, channels).

        Raises:
            EndiannessUnclear: after 64 KiB the samples make as much sense in either order.
        """
        if self._raw is None:
            self._held += data
            if len(self._held) < _ENDIANNESS_BYTES:
                return
            frame_bytes = 2 * self._channels
            silent = len(self._held) - len(self._held.lstrip(b"\0"))
            silent -= silent % frame_bytes
            if silent:
                yield np.zeros((silent // frame_bytes, self._channels), np.float32)
                self._held = self._held[silent:]
            if len(self._held) < _ENDIANNESS_BYTES:
                return
            try:
                self._raw = self._decided()
            except Undecodable:
                if len(self._held) >= _ENDIANNESS_MOST_BYTES:
                    raise
                return
            data, self._held = self._held, b""
        yield from self._raw.feed(data)

    def finish(self) -> Iterator[Samples]:
        """Yield what was held back.

        Raises:
            EndiannessUnclear: the samples make as much sense in either order, or there are too few.
        """
        if self._raw is None and self._held:
            self._raw = self._decided()
            yield from self._raw.feed(self._held)

    def close(self) -> None:
        """Do nothing."""

    def _decided(self) -> Raw:
        big = byte_order.detected(io.BytesIO(self._held), self._channels) == "big-endian"
        return Raw(linear(16, big=big), self._rate_hz, self._channels)
