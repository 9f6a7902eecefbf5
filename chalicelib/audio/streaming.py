"""Audio that is still being sent, in any supported format, to float32 samples at a wanted rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr

from chalicelib.audio import decoding
from chalicelib.audio.channels import Mixer
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.errors import TooLong
from chalicelib.audio.formats.sources import Reader
from chalicelib.audio.stream import Samples


class StreamingDecoder:
    """Decodes, mixes down and resamples what it is fed, in bounded memory. To be closed.

    The samples are those of `decoding.resampled` for the same bytes.
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
        self._reader = Reader(said, live=True)
        self._rate_hz = rate_hz
        self._least_rate_hz = rate_hz if least_rate_hz is None else least_rate_hz
        self._limit_s = limit_s
        self._mixer = mixer or Mixer()
        self._resampler: soxr.ResampleStream | None = None
        self._checked = False
        self._frames = 0

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n,) if one channel comes out, as of an average; otherwise (n, channels).

        Raises:
            audio.errors.AudioError: the audio cannot be used.
        """
        for samples in self._reader.feed(data):
            yield from self._converted(samples)

    def finish(self) -> Iterator[Samples]:
        """Yield the last samples.

        Raises:
            audio.errors.AudioError: the audio cannot be used.
        """
        for samples in self._reader.finish():
            yield from self._converted(samples)
        if self._resampler is not None:
            nothing = decoding.nothing(self._mixer.channels)
            rest = self._resampler.resample_chunk(nothing, last=True)
            if len(rest):
                yield rest

    def close(self) -> None:
        """End what is at work; may be called at any time, but not during another call."""
        self._reader.close()

    def _converted(self, samples: Samples) -> Iterator[Samples]:
        audio_format = self._reader.format
        assert audio_format is not None
        from_hz = audio_format.rate_hz
        if not self._checked:
            self._checked = True
            decoding.check_recorded_rate(audio_format, self._least_rate_hz)
            self._mixer.begin(from_hz, audio_format.channels)
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
