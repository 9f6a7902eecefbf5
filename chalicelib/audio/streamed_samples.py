"""Samples out of bytes as they come: raw PCM, µ-law and A-law, and WAV files that hold such."""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from chalicelib.audio import pcm
from chalicelib.audio.errors import Undecodable
from chalicelib.audio.stream import Samples, check_rate

_RIFF_UNKNOWN_FROM = 0x7FFFF000
_MAX_HEADER_BYTES = 1 << 20
_FORMAT_BYTES = 16
_EXTENSIBLE = 0xFFFE
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
    """Whole samples to values in -1…1, shape (n,)."""


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
    return Coding(
        f"pcm_f{bits}{letters}",
        bits // 8,
        lambda data: np.frombuffer(data, f"{order}f{bits // 8}").astype(np.float32),
    )


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

    def __init__(self, coding: Coding, rate_hz: int, channels: int, limit_bytes: int | None = None) -> None:
        self.rate_hz = rate_hz
        self.channels = channels
        self._coding = coding
        self._frame_bytes = coding.sample_bytes * channels
        self._left_bytes = limit_bytes
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, channels)."""
        if self._left_bytes is not None:
            data = data[: self._left_bytes]
            self._left_bytes -= len(data)
        data = self._rest + data
        whole = len(data) - len(data) % self._frame_bytes
        self._rest = data[whole:]
        if whole:
            yield self._coding.to_float(data[:whole]).reshape(-1, self.channels)

    def finish(self) -> Iterator[Samples]:
        """Yield nothing: a last frame that is not whole is left out."""
        return iter(())

    def close(self) -> None:
        """Do nothing."""


class RawUnordered:
    """16-bit samples whose byte order nobody said: zeros pass at once, then some sound is looked at first."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self.rate_hz = rate_hz
        self.channels = channels
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
            frame_bytes = 2 * self.channels
            silent = len(self._held) - len(self._held.lstrip(b"\0"))
            silent -= silent % frame_bytes
            if silent:
                yield np.zeros((silent // frame_bytes, self.channels), np.float32)
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
        big = pcm.detect_endianness(io.BytesIO(self._held), self.channels) == "big-endian"
        return Raw(linear(16, big=big), self.rate_hz, self.channels)


@dataclass(frozen=True)
class WavHeader:
    """What stands before the samples of a WAV file."""

    coding: Coding
    rate_hz: int
    channels: int
    start: int
    """The first byte of the samples."""
    data_bytes: int | None
    """None: the header does not know, or the file is being written."""


class UncommonWav(Exception):
    """A WAV file that holds something else than plain samples."""


def wav_header(head: bytes) -> WavHeader | None:
    """Read the header of a WAV file; None: more bytes are needed.

    Raises:
        UncommonWav: samples are not plain, or the file is an RF64.
        Undecodable: it is damaged.
    """
    if len(head) < 12:
        return None
    if head[:4] not in (b"RIFF", b"RIFX") or head[8:12] != b"WAVE":
        raise UncommonWav
    order: Literal["<", ">"] = ">" if head[:4] == b"RIFX" else "<"
    position, found = 12, None
    while len(head) >= position + 8:
        name = head[position : position + 4]
        (size,) = struct.unpack_from(f"{order}I", head, position + 4)
        position += 8
        if name == b"data":
            if found is None:
                raise Undecodable("audio/wav", "The WAV file has samples before it says what they are.")
            coding, rate_hz, channels = found
            known = 0 < size < _RIFF_UNKNOWN_FROM
            return WavHeader(coding, rate_hz, channels, position, size if known else None)
        if name == b"fmt ":
            if len(head) < position + size:
                break
            found = _format(head[position : position + size], order)
        position += size + size % 2
    if position > _MAX_HEADER_BYTES:
        raise Undecodable("audio/wav", "The WAV file has no samples where they should be.")
    return None


def _format(chunk: bytes, order: Literal["<", ">"]) -> tuple[Coding, int, int]:
    if len(chunk) < _FORMAT_BYTES:
        raise Undecodable("audio/wav", "The WAV file's description of its samples is too short.")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from(f"{order}HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 26:
        (tag,) = struct.unpack_from(f"{order}H", chunk, 24)
    check_rate(rate_hz, "audio/wav")
    if channels == 0:
        raise Undecodable("audio/wav", "The WAV file says that it has no channels.")
    big = order == ">"
    match tag, bits:
        case 1, 8 | 16 | 24 | 32:
            coding = linear(bits, big=big)
        case 3, 32 | 64:
            coding = floating(bits, big=big)
        case 6, 8:
            coding = companded("ALAW")
        case 7, 8:
            coding = companded("ULAW")
        case _:
            raise UncommonWav
    return coding, rate_hz, channels
