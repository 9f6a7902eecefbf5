"""Audio of any supported format as it comes, whole files included: what it is, and which source reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from chalicelib.audio import content_types
from chalicelib.audio.containers.streamed_container import Container
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.errors import TooManyChannels, Undecodable
from chalicelib.audio.formats import au, mp4, wav
from chalicelib.audio.formats.streamed_samples import Law, Raw, RawUnordered, companded, linear
from chalicelib.audio.formats.tags import Untagged
from chalicelib.audio.stream import AudioFormat, Samples

_HEAD_BYTES = 4096
"""So much is looked at to tell what audio is."""
_LEAST_HEAD_BYTES = 1024
"""Enough where it shows something, or where nothing is to be seen because there is no header."""
_BASIC_RATE_HZ = 8000
_MAX_CHANNELS = {"audio/wav": 9}
_MAX_CHANNELS_OTHERWISE = 16
_TAGGED = frozenset({"audio/mpeg", "audio/flac"})
"""A tag may stand before either, and hides which one it is."""


class Source(Protocol):
    """One format being decoded."""

    @property
    def format(self) -> AudioFormat | None:
        """How it was sampled and coded; known once samples come."""
        ...

    @property
    def damaged_s(self) -> float | None:
        """Where something could not be decoded first, in seconds; known at the end."""
        ...

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, channels), n > 0."""
        ...

    def finish(self) -> Iterator[Samples]:
        """Yield what is left."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class Reader:
    """Reads one recording, fed in pieces of any size. Used by one thread at a time; to be closed.

    Every interface reads audio with it, so that the same bytes are the same samples everywhere.
    """

    def __init__(self, said: ContentType | None, *, live: bool) -> None:
        """Take what the audio is said to be (None: to be detected).

        Of audio that is `live` samples are given as soon as they are there, and otherwise in large blocks.
        """
        self.content_type = said
        """What it is; None while that is not known."""
        self._live = live
        self._untagged = Untagged()
        self._head = b""
        self._source: Source | None = None

    @property
    def format(self) -> AudioFormat | None:
        """How it was sampled and coded; known once samples come."""
        return None if self._source is None else self._source.format

    @property
    def damaged_s(self) -> float | None:
        """Where something could not be decoded first, in seconds; known at the end."""
        return None if self._source is None else self._source.damaged_s

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, channels), n > 0.

        Raises:
            Undecodable: the audio is not of that type, of none, or damaged.
            TooManyChannels: 9 for WAV and 16 for others are the most.
        """
        yield from self._read(data, final=False)

    def finish(self) -> Iterator[Samples]:
        """Yield what is left.

        Raises:
            Undecodable, TooManyChannels: as `feed`.
        """
        yield from self._read(b"", final=True)
        assert self._source is not None
        yield from self._checked(self._source.finish())

    def close(self) -> None:
        """End what is at work; may be called at any time, but not during another call."""
        if self._source is not None:
            self._source.close()

    def _read(self, data: bytes, *, final: bool) -> Iterator[Samples]:
        if self._source is None:
            self._head += self._without_tags(data, final=final)
            self._source = self._begun(final=final)
            if self._source is None:
                return
            data, self._head = self._head, b""
        if data:
            yield from self._checked(self._source.feed(data))

    def _without_tags(self, data: bytes, *, final: bool) -> bytes:
        said = self.content_type
        return self._untagged.feed(data, final=final) if said is None or said.describes_itself else data

    def _begun(self, *, final: bool) -> Source | None:
        """Choose by what was said and by the first bytes; None: more of them are needed."""
        said = self.content_type
        if said is not None and said.essence in ("audio/l16", "audio/alaw", "audio/mulaw"):
            return _raw(said)
        if not final and len(self._head) < _HEAD_BYTES:
            headerless = said is not None and not said.describes_itself
            enough = len(self._head) >= _LEAST_HEAD_BYTES
            if not enough or not (headerless or content_types.sniff(self._head)):
                return None
        self.content_type = checked(said, self._head, tagged=self._untagged.found)
        match self.content_type.essence:
            case "audio/wav":
                return wav.Wav(live=self._live)
            case "audio/basic":
                if self._head.startswith(au.MAGIC):
                    return au.Au(live=self._live)
                return Raw(companded("ULAW"), _BASIC_RATE_HZ, 1)
            case mp4.ESSENCE:
                return mp4.Mp4()
            case essence:
                return Container(essence, live=self._live)

    def _checked(self, given: Iterator[Samples]) -> Iterator[Samples]:
        for samples in given:
            if self.format is not None:
                check_channels(self.format.channels, self.content_type)
            yield samples


def checked(said: ContentType | None, head: bytes, *, tagged: bool = False) -> ContentType:
    """Compare what the audio is said to be with what its first bytes show, and return what it is.

    Args:
        said: None: to be detected.
        head: the first bytes, without tags.
        tagged: there were tags.

    Raises:
        Undecodable: it is something else, or unknown.
    """
    seen = content_types.sniff(head)
    if said is None:
        if seen is None and tagged:
            return ContentType("audio/mpeg")
        if seen is None or seen.kind == "archive":
            raise Undecodable(
                "application/octet-stream",
                "The format could not be detected. Send the Content-Type of your audio.",
            )
        return seen
    if tagged and seen is not None and {said.essence, seen.essence} <= _TAGGED:
        return seen
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


def _raw(said: ContentType) -> Source:
    assert said.rate_hz is not None
    if said.essence == "audio/l16":
        if said.endianness is None:
            return RawUnordered(said.rate_hz, said.channels)
        return Raw(linear(16, big=said.endianness == "big-endian"), said.rate_hz, said.channels)
    law: Law = "ALAW" if said.essence == "audio/alaw" else "ULAW"
    return Raw(companded(law), said.rate_hz, 1)
