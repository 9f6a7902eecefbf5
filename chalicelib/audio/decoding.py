"""Any supported format to mono float32 samples, block by block, at the file's rate or at a wanted one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr
from numpy.typing import NDArray

from chalicelib.audio.channels import Mixer, mono
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.errors import RateTooLow, TooLong, TooSlow, Undecodable
from chalicelib.audio.formats import byte_order
from chalicelib.audio.formats.sources import Reader
from chalicelib.audio.stream import AudioFormat, Samples

__all__ = [
    "AudioDecoder",
    "AudioFormat",
    "Block",
    "DecodingLimits",
    "Samples",
    "blocks",
    "opened",
    "read_mono",
    "resampled",
]

Source = Path | BinaryIO
"""A file, or a seekable binary stream that is read from its beginning."""

_PIECE_BYTES = 256 * 1024
"""Read at a time."""


@dataclass(frozen=True)
class DecodingLimits:
    """How much of a recording is decoded before it is refused; memory is bounded by streaming alone."""

    duration_s: float = 200 * 3600.0
    """As much audio as a custom model may have."""
    time_s: float = 600.0
    """Wall-clock time for one recording."""


@dataclass(frozen=True)
class Block:
    """A piece of a recording, mixed down to one channel."""

    samples: Samples
    rate_hz: int


class AudioDecoder:
    """An opened recording: its format is known, its samples are read once, from start to end."""

    def __init__(self, reader: Reader, file: BinaryIO, limits: DecodingLimits) -> None:
        self._reader = reader
        self._limits = limits
        self._samples = _fed(reader, file)
        first = next(self._samples, None)
        if reader.content_type is None or reader.format is None:
            raise Undecodable(
                "application/octet-stream" if reader.content_type is None else reader.content_type.essence,
                "The audio ends before it says how it was sampled. Export and upload it again.",
            )
        self._first = () if first is None else (first,)
        self.format = reader.format
        self.content_type = reader.content_type
        self.frames = 0
        """Frames decoded so far."""

    @property
    def damaged_s(self) -> float | None:
        """Where something could not be decoded first, in seconds; known at the end."""
        return self._reader.damaged_s

    def share_length(self, channels: int) -> None:
        """Let the recording be only so long that all of its channels together keep within the limit."""
        self._limits = replace(self._limits, duration_s=self._limits.duration_s / channels)

    def blocks(self) -> Iterator[Samples]:
        """Yield mono samples at the recording's own rate, all channels averaged, in blocks of some seconds.

        Raises:
            AudioError: as `all_channels`.
        """
        for samples in self.all_channels():
            yield mono(samples)

    def all_channels(self) -> Iterator[Samples]:
        """Yield samples of shape (n, channels) at the recording's own rate, in blocks of some seconds.

        Raises:
            Undecodable: the recording is damaged here.
            TooLong, TooSlow: a limit is reached.
        """
        most_frames = int(self._limits.duration_s * self.format.rate_hz)
        deadline_s = time.monotonic() + self._limits.time_s
        for samples in chain(self._first, self._samples):
            self.frames += len(samples)
            if self.frames > most_frames:
                raise TooLong(self._limits.duration_s)
            if time.monotonic() > deadline_s:
                raise TooSlow(self._limits.time_s)
            yield samples


def opened(
    source: Source, content_type: ContentType | None, *, limits: DecodingLimits | None = None
) -> AbstractContextManager[AudioDecoder]:
    """Open a recording.

    Args:
        source: see `Source`.
        content_type: what it is said to be; None: to be detected.
        limits: when to give up.

    Raises:
        Undecodable: it is not audio of that type, or (detecting) of none.
        TooManyChannels: 9 for WAV and 16 for others are the most.
    """
    return _opened(source, content_type, limits or DecodingLimits())


def blocks(
    source: Source, content_type: ContentType | None, *, limits: DecodingLimits | None = None
) -> Iterator[Block]:
    """Yield a recording as mono blocks at its own rate.

    Raises:
        AudioError: as `opened` and `AudioDecoder.blocks`.
    """
    with opened(source, content_type, limits=limits) as decoder:
        for samples in decoder.blocks():
            yield Block(samples, decoder.format.rate_hz)


def resampled(
    source: Source,
    content_type: ContentType | None,
    rate_hz: int,
    *,
    min_rate_hz: int | None = None,
    limits: DecodingLimits | None = None,
) -> Iterator[Samples]:
    """Yield a recording as mono blocks at `rate_hz`, in constant memory.

    Args:
        source: see `Source`.
        content_type: what it is said to be; None: to be detected.
        rate_hz: rate of the samples that come out.
        min_rate_hz: lowest rate of the recording that is accepted; `rate_hz` unless given.
        limits: when to give up.

    Raises:
        RateTooLow: the recording's rate is below `min_rate_hz`.
        AudioError: as `opened` and `AudioDecoder.blocks`.
    """
    needed_hz = rate_hz if min_rate_hz is None else min_rate_hz
    with opened(source, content_type, limits=limits) as decoder:
        check_recorded_rate(decoder.format, needed_hz)
        yield from resample(decoder.blocks(), decoder.format.rate_hz, rate_hz)


def mixed(
    source: Source,
    content_type: ContentType | None,
    rate_hz: int,
    mixer: Mixer,
    *,
    min_rate_hz: int | None = None,
    limits: DecodingLimits | None = None,
) -> Iterator[Samples]:
    """Yield a recording as the mixer makes it at `rate_hz`, in constant memory; arguments as of `resampled`.

    Blocks have shape (n,) if one channel comes out, and otherwise (n, channels). How long a recording may be
    is divided by the number of channels that come out: each of them is stored and recognised.

    Raises:
        AudioError: as `resampled`.
        TooManySeparateChannels: the mixer is to keep them apart.
    """
    needed_hz = rate_hz if min_rate_hz is None else min_rate_hz
    with opened(source, content_type, limits=limits) as decoder:
        from_hz = decoder.format.rate_hz
        check_recorded_rate(decoder.format, needed_hz)
        mixer.begin(from_hz, decoder.format.channels)
        decoder.share_length(mixer.channels)
        blocks = map(mixer.mix, decoder.all_channels())
        yield from resample(blocks, from_hz, rate_hz, mixer.channels)


def check_recorded_rate(audio_format: AudioFormat, needed_hz: int) -> None:
    """Refuse a recording that was sampled more slowly than is needed.

    Raises:
        RateTooLow: it was.
    """
    if audio_format.recorded_hz < needed_hz:
        raise RateTooLow(audio_format.recorded_hz, needed_hz)


def resample(blocks: Iterator[Samples], from_hz: int, to_hz: int, channels: int = 1) -> Iterator[Samples]:
    """Convert the rate of a stream of blocks; the delay of the filter is made up for.

    Blocks of one channel have shape (n,), others (n, channels).
    """
    if from_hz == to_hz:
        yield from blocks
        return
    resampler = resampler_of(from_hz, to_hz, channels)
    for samples in blocks:
        converted = resampler.resample_chunk(np.ascontiguousarray(samples))
        if len(converted):
            yield converted
    converted = resampler.resample_chunk(nothing(channels), last=True)
    if len(converted):
        yield converted


def resampler_of(from_hz: int, to_hz: int, channels: int) -> soxr.ResampleStream:
    """Return what converts the rate of blocks of one stream."""
    return soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32", quality="HQ")


def nothing(channels: int) -> Samples:
    """Return no samples in the shape in which so many channels come."""
    return np.empty(0 if channels == 1 else (0, channels), np.float32)


def read_mono(
    source: Source,
    content_type: ContentType | None,
    rate_hz: int,
    *,
    min_rate_hz: int | None = None,
    limits: DecodingLimits | None = None,
) -> NDArray[np.float32]:
    """Read a whole recording as mono samples at `rate_hz`, shape (n,): 230 MB for an hour at 16 kHz.

    Raises:
        AudioError: as `resampled`.
    """
    parts = list(resampled(source, content_type, rate_hz, min_rate_hz=min_rate_hz, limits=limits))
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


@contextmanager
def _opened(
    source: Source, content_type: ContentType | None, limits: DecodingLimits
) -> Iterator[AudioDecoder]:
    if isinstance(source, Path):
        with source.open("rb") as file, _opened(file, content_type, limits) as decoder:
            yield decoder
        return
    source.seek(0)
    if content_type is not None and content_type.essence == "audio/l16" and content_type.endianness is None:
        # The whole file tells more of its byte order than its beginning.
        content_type = replace(content_type, endianness=byte_order.detected(source, content_type.channels))
    with closing(Reader(content_type, live=False)) as reader:
        yield AudioDecoder(reader, source, limits)


def _fed(reader: Reader, file: BinaryIO) -> Iterator[Samples]:
    while data := file.read(_PIECE_BYTES):
        yield from reader.feed(data)
    yield from reader.finish()
