"""Any supported format to mono float32 samples, block by block, at the file's rate or at a wanted one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr
from numpy.typing import NDArray

from chalicelib.audio import content_types, g729, libav, libsndfile, pcm
from chalicelib.audio.channels import Mixer, mono
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.errors import RateTooLow, TooLong, TooManyChannels, TooSlow, Undecodable
from chalicelib.audio.stream import AudioFormat, AudioStream, Samples

__all__ = [
    "AudioFormat",
    "Block",
    "Decoder",
    "Limits",
    "Samples",
    "blocks",
    "opened",
    "read_mono",
    "resampled",
]

Source = Path | BinaryIO
"""A file, or a seekable binary stream that is read from its beginning."""

_HEAD_BYTES = 4096
_ID3 = b"ID3"
_MAX_CHANNELS = {"audio/wav": 9}
_MAX_CHANNELS_OTHERWISE = 16


@dataclass(frozen=True)
class Limits:
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


class Decoder:
    """An opened recording: its format is known, its samples are read once, from start to end."""

    def __init__(self, stream: AudioStream, content_type: ContentType, limits: Limits) -> None:
        self.format = stream.format
        self.content_type = content_type
        self.frames = 0
        """Frames decoded so far."""
        self._stream = stream
        self._limits = limits

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
        for samples in self._stream.blocks():
            self.frames += len(samples)
            if self.frames > most_frames:
                raise TooLong(self._limits.duration_s)
            if time.monotonic() > deadline_s:
                raise TooSlow(self._limits.time_s)
            yield samples


def opened(
    source: Source, content_type: ContentType | None, *, limits: Limits | None = None
) -> AbstractContextManager[Decoder]:
    """Open a recording.

    Args:
        source: see `Source`.
        content_type: what it is said to be; None: to be detected.
        limits: when to give up.

    Raises:
        Undecodable: it is not audio of that type, or (detecting) of none.
        TooManyChannels: 9 for WAV and 16 for others are the most.
    """
    return _opened(source, content_type, limits or Limits())


def blocks(
    source: Source, content_type: ContentType | None, *, limits: Limits | None = None
) -> Iterator[Block]:
    """Yield a recording as mono blocks at its own rate.

    Raises:
        AudioError: as `opened` and `Decoder.blocks`.
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
    limits: Limits | None = None,
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
        AudioError: as `opened` and `Decoder.blocks`.
    """
    needed_hz = rate_hz if min_rate_hz is None else min_rate_hz
    with opened(source, content_type, limits=limits) as decoder:
        if decoder.format.rate_hz < needed_hz:
            raise RateTooLow(decoder.format.rate_hz, needed_hz)
        yield from resample(decoder.blocks(), decoder.format.rate_hz, rate_hz)


def mixed(
    source: Source,
    content_type: ContentType | None,
    rate_hz: int,
    mixer: Mixer,
    *,
    min_rate_hz: int | None = None,
    limits: Limits | None = None,
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
        if from_hz < needed_hz:
            raise RateTooLow(from_hz, needed_hz)
        mixer.begin(from_hz, decoder.format.channels)
        decoder.share_length(mixer.channels)
        blocks = map(mixer.mix, decoder.all_channels())
        yield from resample(blocks, from_hz, rate_hz, mixer.channels)


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
    limits: Limits | None = None,
) -> NDArray[np.float32]:
    """Read a whole recording as mono samples at `rate_hz`, shape (n,): 230 MB for an hour at 16 kHz.

    Raises:
        AudioError: as `resampled`.
    """
    parts = list(resampled(source, content_type, rate_hz, min_rate_hz=min_rate_hz, limits=limits))
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


@contextmanager
def _opened(source: Source, content_type: ContentType | None, limits: Limits) -> Iterator[Decoder]:
    if isinstance(source, Path):
        # Unbuffered, so that libsndfile may read by the descriptor.
        with source.open("rb", buffering=0) as file, _opened(file, content_type, limits) as decoder:
            yield decoder
        return
    source.seek(0)
    said = checked(content_type, source.read(_HEAD_BYTES))
    source.seek(0)
    with _stream(source, said) as stream:
        check_channels(stream.format.channels, said)
        yield Decoder(stream, said, limits)


def checked(said: ContentType | None, head: bytes) -> ContentType:
    """Compare what the audio is said to be with what its first bytes show, and return what it is.

    Raises:
        Undecodable: it is something else, or unknown.
    """
    seen = content_types.sniff(head)
    if said is None:
        if seen is None or seen.kind == "archive":
            raise Undecodable(
                "application/octet-stream",
                "The format could not be detected. Send the Content-Type of your audio.",
            )
        return seen
    if said.essence == "audio/flac" and head.startswith(_ID3):
        return said  # a tag that may stand before FLAC, too: its decoder looks behind it
    if said.describes_itself and seen is not None and seen.essence != said.essence:
        raise Undecodable(
            said.essence,
            f"The audio is said to be {said.essence}, but it is {seen.essence}. "
            "Correct the content type, or convert the audio.",
        )
    return said


def check_channels(channels: int, said: ContentType | None) -> None:
    """Refuse recordings of more than stereo pairs and surround sound.

    Raises:
        TooManyChannels: 9 for WAV and 16 for others are the most.
    """
    essence = "" if said is None else said.essence
    most_channels = _MAX_CHANNELS.get(essence, _MAX_CHANNELS_OTHERWISE)
    if channels > most_channels:
        raise TooManyChannels(channels, most_channels)


def _stream(source: BinaryIO, said: ContentType) -> AbstractContextManager[AudioStream]:
    match said.essence:
        case "audio/l16":
            return pcm.opened(source, said)
        case "audio/webm":
            return libav.opened(source, said.essence)
        case "audio/g729":
            return g729.opened(source)
        case _:
            return libsndfile.opened(source, said)
