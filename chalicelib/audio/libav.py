"""Recordings that only FFmpeg's libraries read: WebM, and rare codecs in WAV and Ogg."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import av
import numpy as np
from av.container import InputContainer

from chalicelib.audio.codecs import DECODED
from chalicelib.audio.errors import Undecodable
from chalicelib.audio.stream import AudioFormat, Samples, check_rate, tamed

# The demuxer is always named: FFmpeg, left to guess, also opens playlists that point elsewhere.
_DEMUXERS = {
    "audio/webm": "matroska",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/basic": "au",
}
# A stream's first samples are wanted before a second of it was looked at.
_STREAMED = {"probesize": "2048", "analyzeduration": "100000"}


class Readable(Protocol):
    """What a recording is read from; one that is still being sent cannot be sought in."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""
        ...


class LibavStream:
    """A recording opened with FFmpeg's libraries."""

    def __init__(self, container: InputContainer, essence: str) -> None:
        self._container = container
        self._essence = essence
        stream = container.streams.audio[0]
        context = stream.codec_context
        announced = (
            None if container.duration is None else container.duration * context.sample_rate // av.time_base
        )
        self.format = AudioFormat(
            context.sample_rate, context.channels, context.codec.canonical_name, announced
        )

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples.

        Raises:
            Undecodable: the recording is damaged here.
        """
        layout = self._container.streams.audio[0].codec_context.layout
        resampler = av.AudioResampler(format="flt", layout=layout, rate=self.format.rate_hz)
        try:
            for frame in self._container.decode(audio=0):
                for converted in resampler.resample(frame):
                    samples = converted.to_ndarray().reshape(-1, self.format.channels).astype(np.float32)
                    if len(samples):
                        yield tamed(samples)
        except (av.FFmpegError, ValueError) as error:
            raise undecodable(self._essence) from error


@contextmanager
def opened(file: Readable, essence: str, *, streamed: bool = False) -> Iterator[LibavStream]:
    """Open a recording; a `streamed` one is looked at no longer than it must be.

    Raises:
        Undecodable: it is not audio of that type.
    """
    try:
        container = av.open(file, format=_DEMUXERS[essence], options=_STREAMED if streamed else {})
    except (av.FFmpegError, ValueError) as error:
        raise undecodable(essence) from error
    with container:
        if not isinstance(container, InputContainer) or not container.streams.audio:
            raise undecodable(essence)
        context = container.streams.audio[0].codec_context
        if context is None or context.codec.canonical_name not in DECODED[essence]:
            coding = "a way" if context is None else f"'{context.codec.canonical_name}', a way"
            raise Undecodable(
                essence,
                f"The samples in this {essence} are coded in {coding} that is not known here. "
                "Convert the audio, for instance to FLAC.",
            )
        stream = LibavStream(container, essence)
        check_rate(stream.format.rate_hz, essence)
        yield stream


def undecodable(essence: str) -> Undecodable:
    """Say that the bytes are not what they are said to be."""
    return Undecodable(
        essence,
        f"The bytes cannot be read as {essence}. Check that they are whole and of that type.",
    )
