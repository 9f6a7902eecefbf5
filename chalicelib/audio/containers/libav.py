"""Containers and codecs that FFmpeg's libraries read, with silence where a recording has gaps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from chalicelib.audio.containers import ogg
from chalicelib.audio.containers.codecs import DECODED
from chalicelib.audio.errors import Mixed, Undecodable, undecodable
from chalicelib.audio.silence import digital_silence, is_digital_silence
from chalicelib.audio.stream import BLOCK_SAMPLES, AudioFormat, Samples, check_rate, clipped

# The demuxer is always named: FFmpeg, left to guess, also opens playlists that point elsewhere.
_DEMUXERS = {
    "audio/webm": "matroska",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/basic": "au",
    "audio/mp4": "mov",
}
# The first samples of a stream are wanted before a second of it was looked at.
_OPTIONS = {"probesize": "2048", "analyzeduration": "100000"}
# MP4 lies there whole. It may name other files for its samples: those are never opened.
_OPTIONS_OF = {"audio/mp4": {"enable_drefs": "0", "use_absolute_path": "0"}}
# Frames of FLAC have a checksum, which FFmpeg does not heed unless asked to.
_DECODER_OPTIONS = {"audio/flac": {"err_detect": "crccheck+explode"}}

_LEAST_GAP_S = {"audio/ogg": 0.04, "audio/webm": 0.04, "audio/flac": 0.001}
"""Formats that say when each packet is heard: a gap between two is time that has passed.

A packet of Opus has 0.02 s; times in WebM are milliseconds, and those of browsers waver. FLAC counts samples.
"""
_MOST_GAP_S = 3600.0
_MOST_GAPS_S = 12 * 3600.0
"""In all. What goes beyond is a clock that was set: it is no silence, and the recording goes on."""
_LEAST_STEP_BACK_S = 0.1
"""A clock that goes back belongs to the next recording of a chained file."""
_SELF_CONTAINED = frozenset({"audio/mpeg", "audio/flac"})
"""Formats in which one frame says what it needs: after one that is damaged the next can be heard."""
_ANNOUNCING = frozenset({"audio/flac", "audio/mp4"})
"""Formats whose headers tell how long the recording is."""
_MOST_BAD_IN_A_ROW = 100
"""Frames of 13 to 140 ms. More is another file."""
_MOST_SILENT_FRAMES = 1 << 16
"""In one block."""
_FULL_SCALE = {"u8": 1 << 7, "s16": 1 << 15, "s32": 1 << 31, "s64": 1 << 63}


class Readable(Protocol):
    """What a recording is read from; it is never sought in."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""
        ...


class _Followed:
    """Ogg whose pages are looked at as they are read; it ends where they are refused."""

    def __init__(self, file: Readable, pages: ogg.OggPages) -> None:
        self._file = file
        self._pages = pages

    def read(self, size: int, /) -> bytes:
        data = self._file.read(size)
        return data[: self._pages.feed(data)]


class LibavStream:
    """A recording opened with FFmpeg's libraries."""

    def __init__(
        self, container: InputContainer, essence: str, *, live: bool, pages: ogg.OggPages | None
    ) -> None:
        self._container = container
        self._essence = essence
        self._pages = pages
        stream = container.streams.audio[0]
        context = stream.codec_context
        self._block_frames = 0 if live else BLOCK_SAMPLES // max(1, context.channels)
        context.options = _DECODER_OPTIONS.get(essence, {})
        self.format = AudioFormat(
            context.sample_rate,
            context.channels,
            context.codec.canonical_name,
            _announced_frames(stream) if essence in _ANNOUNCING else None,
            ogg.opus_rate_hz(context.extradata or b"") if essence == "audio/ogg" else None,
        )
        self.damaged_s: float | None = None
        """Where something could not be decoded first, in seconds; at the end it was cut, or is no audio."""
        self._ended_early = False
        self._frames = 0
        """Given so far, silence included."""
        self._began_s: float | None = None
        """The time that the recording's own clock shows at its beginning."""
        self._link = 0
        """Of a chained file."""
        self._filled_s = 0.0

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples, with silence for what is missing between two packets.

        Raises:
            Undecodable: the recording is damaged here. What came before has been given.
        """
        waiting, kind = av.AudioFifo(), ""
        failure = None
        try:
            for begins_s, frame in self._placed():
                gap_frames = self._gap_frames(begins_s, waiting.samples)
                if gap_frames or kind != frame.format.name:
                    yield from self._given(waiting)
                    waiting, kind = av.AudioFifo(), frame.format.name
                    yield from self._silence(gap_frames)
                frame.pts = None  # what waits has no gaps
                waiting.write(frame)
                if waiting.samples > self._block_frames:
                    yield from self._given(waiting)
        except Undecodable as error:
            failure = error
        yield from self._given(waiting)
        if failure is None and self._pages is not None:
            failure = self._pages.refusal
        if failure is not None:
            raise failure
        if self._ended_early and self.damaged_s is None:
            self.damaged_s = self._frames / self.format.rate_hz

    def _placed(self) -> Iterator[tuple[float | None, AudioFrame]]:
        """Yield frames with the times at which they begin, on the recording's clock; None: not known."""
        if self._pages is not None:
            yield from self._placed_by(self._pages)
            return
        for _, frames in self._decoded():
            yield from ((frame.time, frame) for frame in frames)

    def _placed_by(self, pages: ogg.OggPages) -> Iterator[tuple[float | None, AudioFrame]]:
        """Place frames by the ends of the pages that their packets are on.

        FFmpeg takes a page for one that begins where the page before has ended: it finds a gap a page late.
        """
        waiting: list[AudioFrame] = []
        here, page, left = None, None, 0
        for position, frames in self._decoded():
            if position is not None and position != here:
                if left:
                    yield from self._page_of(waiting, page)
                    waiting = []
                here, page = position, pages.page_at(position)
                left = 0 if page is None else page.packets
            waiting += frames
            if left:
                left -= 1
                if not left:
                    yield from self._page_of(waiting, page)
                    waiting = []
        yield from self._page_of(waiting, page if left else None)

    def _page_of(
        self, frames: list[AudioFrame], page: ogg.OggPage | None
    ) -> Iterator[tuple[float | None, AudioFrame]]:
        begins_s = None
        if page is not None and page.end_frames is not None:
            if page.link != self._link:
                self._link, self._began_s = page.link, None
            begins_s = (page.end_frames - sum(frame.samples for frame in frames)) / self.format.rate_hz
        for frame in frames:
            yield begins_s, frame
            begins_s = None

    def _decoded(self) -> Iterator[tuple[int | None, list[AudioFrame]]]:
        """Yield the position and the frames of each packet, sampled as the first one is.

        What cannot be decoded at the very end is left out: a block that was cut, or bytes that fill a file.
        """
        failures, failure, heard = 0, None, False
        try:
            for packet in self._container.demux(self._container.streams.audio[0]):
                if failures > self._most_failures and packet.size:
                    raise undecodable(self._essence) from failure
                alike: list[AudioFrame] = []
                try:
                    frames = packet.decode()
                except (av.FFmpegError, ValueError) as error:
                    failures, failure = failures + 1, error
                else:
                    alike = [frame for frame in frames if self._is_alike(frame)]
                    failures = 0 if alike else failures + len(frames)
                    heard |= bool(alike)
                if failures > self._most_failures and failure is None:
                    raise self._changed()
                yield packet.pos, alike
        except (av.FFmpegError, ValueError) as error:
            failures, failure = failures + 1, error
        self._ended_early = failures > 0
        if failures and not heard:
            raise undecodable(self._essence) from failure

    @property
    def _most_failures(self) -> int:
        return _MOST_BAD_IN_A_ROW if self._essence in _SELF_CONTAINED else 0

    def _is_alike(self, frame: AudioFrame) -> bool:
        return (frame.sample_rate, frame.layout.nb_channels) == (self.format.rate_hz, self.format.channels)

    def _changed(self) -> Mixed:
        return Mixed(
            self._essence,
            "The audio changes its rate or its number of channels midway. Convert the whole of it, for "
            "instance to FLAC, or send each part as a file of its own.",
        )

    def _gap_frames(self, begins_s: float | None, waiting_frames: int) -> int:
        """Return how many frames are missing before the one that begins then."""
        least_s = _LEAST_GAP_S.get(self._essence)
        if least_s is None or begins_s is None:
            return 0
        here_s = (self._frames + waiting_frames) / self.format.rate_hz
        if self._began_s is None:
            self._began_s = begins_s - here_s
        gap_s = begins_s - self._began_s - here_s
        if gap_s < -_LEAST_STEP_BACK_S or gap_s > _MOST_GAP_S or self._filled_s + gap_s > _MOST_GAPS_S:
            self._began_s = begins_s - here_s
            return 0
        if gap_s < least_s:
            return 0
        if self._essence == "audio/flac" and self.damaged_s is None:
            self.damaged_s = here_s  # nothing leaves frames of FLAC out but damage
        return round(gap_s * self.format.rate_hz)

    def _given(self, waiting: av.AudioFifo) -> Iterator[Samples]:
        frame = waiting.read()
        if frame is not None:
            samples = _floats(frame)
            self._frames += len(samples)
            yield samples

    def _silence(self, frames: int) -> Iterator[Samples]:
        self._filled_s += frames / self.format.rate_hz
        while frames:
            count = min(frames, _MOST_SILENT_FRAMES)
            frames -= count
            self._frames += count
            yield digital_silence(count, self.format.channels)


def _floats(frame: AudioFrame) -> Samples:
    """Return samples in -1…1, shape (n, channels)."""
    values = frame.to_ndarray()
    each = values.T if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels)
    if values.dtype != np.uint8 and is_digital_silence(values):
        return digital_silence(*each.shape)
    full_scale = _FULL_SCALE.get(frame.format.name.removesuffix("p"))
    if full_scale is None:
        return clipped(np.ascontiguousarray(each, np.float32))
    samples = np.ascontiguousarray(each, np.float32) / np.float32(full_scale)
    return samples - np.float32(1) if values.dtype == np.uint8 else samples


def _announced_frames(stream: AudioStream) -> int | None:
    if stream.duration is None or stream.time_base is None:
        return None
    return round(stream.duration * stream.time_base * stream.codec_context.sample_rate)


@contextmanager
def opened(file: Readable, essence: str, *, live: bool) -> Iterator[LibavStream]:
    """Open a recording; of a `live` one samples are given as soon as they are there.

    Raises:
        Undecodable: it is not audio of that type.
    """
    pages = ogg.OggPages() if essence == "audio/ogg" else None
    source = file if pages is None else _Followed(file, pages)
    try:
        container = av.open(
            source, mode="r", format=_DEMUXERS[essence], options=_OPTIONS_OF.get(essence, _OPTIONS)
        )
    except (av.FFmpegError, ValueError) as error:
        raise undecodable(essence) from error
    with container:
        if not container.streams.audio:
            raise undecodable(essence)
        context = container.streams.audio[0].codec_context
        if context is None or context.codec.canonical_name not in DECODED[essence]:
            coding = "a way" if context is None else f"'{context.codec.canonical_name}', a way"
            raise Undecodable(
                essence,
                f"The bytes cannot be read as {essence}: the samples are coded in {coding} that is not "
                "known here. "
                "Convert the audio, for instance to FLAC.",
            )
        stream = LibavStream(container, essence, live=live, pages=pages)
        check_rate(stream.format.rate_hz, essence)
        yield stream
