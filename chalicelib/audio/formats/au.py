"""AU files as they come: the header that audio/basic often has, and plain samples behind it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from chalicelib.audio.containers.streamed_container import Container
from chalicelib.audio.errors import Undecodable
from chalicelib.audio.formats.streamed_samples import Coding, Raw, companded, floating, linear
from chalicelib.audio.stream import AudioFormat, Samples, check_rate

ESSENCE = "audio/basic"
MAGIC = b".snd"
_HEADER_BYTES = 24
_CODINGS: dict[int, Coding] = {
    1: companded("ULAW"),
    3: linear(16, big=True),
    4: linear(24, big=True),
    5: linear(32, big=True),
    6: floating(32, big=True),
    7: floating(64, big=True),
    27: companded("ALAW"),
}
_MOST_CHANNELS = 1024
"""More than any recording has; how many are taken is decided elsewhere."""
_G723_OF_40_KBIT_S = 26
"""FFmpeg cuts it between the bits of a sample: noise."""
_UNKNOWN_BYTES = (0, 0xFFFFFFFF)


class Au:
    """An AU file, fed piece by piece."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._source: Raw | Container | None = None
        self._held = b""
        self._skip_bytes = 0
        self._left_bytes: int | None = None
        """Of the samples; None: all that come."""

    @property
    def format(self) -> AudioFormat | None:
        """How it is sampled; None while nothing says so."""
        return None if self._source is None else self._source.format

    @property
    def damaged_s(self) -> float | None:
        """Where something could not be decoded first, in seconds; known at the end."""
        return None if self._source is None else self._source.damaged_s

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, channels).

        Raises:
            Undecodable: the header makes no sense.
        """
        if self._source is None:
            self._held += data
            if len(self._held) < _HEADER_BYTES:
                return
            self._source = self._begun(self._held)
            data, self._held = self._held, b""
        skipped = min(self._skip_bytes, len(data))
        self._skip_bytes -= skipped
        data = data[skipped:]
        if self._left_bytes is not None:
            data = data[: self._left_bytes]
            self._left_bytes -= len(data)
        if data:
            yield from self._source.feed(data)

    def finish(self) -> Iterator[Samples]:
        """Yield what is left.

        Raises:
            Undecodable: the file ends within its header.
        """
        if self._source is None:
            raise Undecodable(ESSENCE, "The AU file ends within its header. Check that it is whole.")
        yield from self._source.finish()

    def close(self) -> None:
        """End what is at work."""
        if self._source is not None:
            self._source.close()

    def _begun(self, head: bytes) -> Raw | Container:
        start, size, encoding, rate_hz, channels = struct.unpack_from(">5I", head, len(MAGIC))
        coding = _CODINGS.get(encoding)
        if encoding == _G723_OF_40_KBIT_S:
            raise Undecodable(
                ESSENCE,
                "The AU file holds G.723 at 40 kbit/s, which is not read here. Convert it to FLAC.",
            )
        if coding is None:
            return Container(ESSENCE, live=self._live)
        check_rate(rate_hz, ESSENCE)
        if not 1 <= channels <= _MOST_CHANNELS or start < _HEADER_BYTES:
            raise Undecodable(ESSENCE, "The header of the AU file makes no sense. Export it again.")
        self._skip_bytes = start
        self._left_bytes = None if size in _UNKNOWN_BYTES else size
        return Raw(coding, rate_hz, channels)
