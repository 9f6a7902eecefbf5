"""Audio that is still being sent, in any supported format, to float32 samples at a wanted rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import soxr

from chalicelib.audio import decoding, g729, streamed_samples
from chalicelib.audio.channels import Mixer
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.errors import RateTooLow, TooLong
from chalicelib.audio.stream import Samples
from chalicelib.audio.streamed_container import Container
from chalicelib.audio.streamed_samples import Raw, RawUnordered

_HEAD_BYTES = 1024
"""Enough to tell the formats apart; an MP3 shows two frames in it."""
_BASIC_RATE_HZ = 8000


class Source(Protocol):
    """One format being decoded. Rate and channels are known once samples come."""

    @property
    def rate_hz(self) -> int:
        """Of the samples."""
        ...

    @property
    def channels(self) -> int:
        """Of the samples."""
        ...

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, channels)."""
        ...

    def finish(self) -> Iterator[Samples]:
        """Yield what is left."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class StreamingDecoder:
    """Decodes, mixes down and resamples what it is fed, in bounded memory. To be closed.

    The samples are those of `decoding.resampled` for the same bytes; lossy formats may begin or end some
    milliseconds apart.
    """

    def __init__(
        self,
        said: ContentType | None,
        rate_hz: int,
        *,
        least_rate_hz: int | None = None,
        limit_s: float = 12 * 3600.0,
        mixer: Mixer | None = None,
    ) -> None:
        """Take what the audio is said to be (None: to be detected) and the rate that is wanted.

        `least_rate_hz` is the least that the audio may have, `rate_hz` unless given. The `mixer` says what is
        made of channels, their average unless given; so many as it gives share the `limit_s`.
        """
        self._said = said
        self._rate_hz = rate_hz
        self._least_rate_hz = rate_hz if least_rate_hz is None else least_rate_hz
        self._limit_s = limit_s
        self._mixer = mixer or Mixer()
        self._head = b""
        self._source: Source | None = None
        self._resampler: soxr.ResampleStream | None = None
        self._checked = False
        self._frames = 0

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n,) if one channel comes out, as of an average; otherwise (n, channels).

        Raises:
            audio.errors.AudioError: the audio cannot be used.
        """
        if self._source is None:
            self._head += data
            self._source = self._begun(final=False)
            if self._source is None:
                return
            data, self._head = self._head[self._header_bytes :], b""
        for samples in self._source.feed(data):
            yield from self._converted(samples)

    def finish(self) -> Iterator[Samples]:
        """Yield the last samples.

        Raises:
            audio.errors.AudioError: the audio cannot be used.
        """
        if self._source is None:
            self._source = self._begun(final=True)
            assert self._source is not None
            for samples in self._source.feed(self._head[self._header_bytes :]):
                yield from self._converted(samples)
            self._head = b""
        for samples in self._source.finish():
            yield from self._converted(samples)
        if self._resampler is not None:
            nothing = decoding.nothing(self._mixer.channels)
            rest = self._resampler.resample_chunk(nothing, last=True)
            if len(rest):
                yield rest

    def close(self) -> None:
        """End what is at work; may be called at any time, but not during another call."""
        if self._source is not None:
            self._source.close()

    _header_bytes = 0
    """What of the head is no audio."""

    def _begun(self, *, final: bool) -> Source | None:
        """Choose by what was said and by the first bytes; None: more of them are needed."""
        said = self._said
        if said is not None and said.essence in ("audio/l16", "audio/alaw", "audio/mulaw"):
            return _raw(said)
        if not final and len(self._head) < _HEAD_BYTES:
            return None
        self._said = decoding.checked(said, self._head)
        return self._with_header(self._said, final=final)

    def _with_header(self, said: ContentType, *, final: bool) -> Source | None:
        if said.essence == "audio/basic" and self._head[:4] != b".snd":
            return Raw(streamed_samples.companded("ULAW"), _BASIC_RATE_HZ, 1)
        if said.essence == g729.ESSENCE:
            return g729.Fed()
        if said.essence == "audio/wav":
            try:
                header = streamed_samples.wav_header(self._head)
            except streamed_samples.UncommonWav:
                return Container(said.essence)
            if header is None:
                return Container(said.essence) if final else None
            self._header_bytes = header.start
            return Raw(header.coding, header.rate_hz, header.channels, header.data_bytes)
        return Container(said.essence)

    def _converted(self, samples: Samples) -> Iterator[Samples]:
        assert self._source is not None
        from_hz = self._source.rate_hz
        if not self._checked:
            self._checked = True
            decoding.check_channels(self._source.channels, self._said)
            if from_hz < self._least_rate_hz:
                raise RateTooLow(from_hz, self._least_rate_hz)
            self._mixer.begin(from_hz, self._source.channels)
            self._limit_s /= self._mixer.channels
            if from_hz != self._rate_hz:
                self._resampler = decoding.resampler_of(from_hz, self._rate_hz, self._mixer.channels)
        self._frames += len(samples)
        if self._frames > self._limit_s * from_hz:
            raise TooLong(self._limit_s)
        mixed = self._mixer.mix(samples)
        if self._resampler is not None:
            mixed = self._resampler.resample_chunk(np.ascontiguousarray(mixed))
        if len(mixed):
            yield mixed


def _raw(said: ContentType) -> Source:
    assert said.rate_hz is not None
    if said.essence == "audio/l16":
        if said.endianness is None:
            return RawUnordered(said.rate_hz, said.channels)
        coding = streamed_samples.linear(16, big=said.endianness == "big-endian")
        return Raw(coding, said.rate_hz, said.channels)
    law: streamed_samples.Law = "ALAW" if said.essence == "audio/alaw" else "ULAW"
    return Raw(streamed_samples.companded(law), said.rate_hz, 1)
