"""The pages of Ogg files as they pass: several recordings one after another, and what Opus was made from."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.audio.errors import Mixed

# RFC 3533: a page's header, then a table of the lengths of its segments.
_MAGIC = b"OggS"
_HEADER_BYTES = 27
_FLAGS_AT = 5
_TIME = slice(6, 14)
_SEGMENTS_AT = 26
_CONTINUED = 0x01
_FIRST_PAGE = 0x02
_WHOLE_SEGMENT = 255
"""A packet goes on in the next segment."""
_NO_TIME = -1
_LOOKED_AT_BYTES = 19
"""Of the first packet of a stream: OpusHead is as long, and Vorbis says the same in its first 16."""

_OPUS_HZ = 48_000
_OPUS_INPUT_HZ = (8_000, 12_000, 16_000, 24_000, _OPUS_HZ)
"""The bandwidths of Opus: what was sampled in between is in the next one (RFC 7845, 5.1)."""


def opus_rate_hz(head: bytes) -> int | None:
    """Return at which rate the sound was sampled that Opus was made from; None: the packet is no OpusHead.

    A header that does not tell has 0 there, and may then hold all that Opus can.
    """
    if head[:8] != b"OpusHead" or len(head) < 16:
        return None
    said_hz = int.from_bytes(head[12:16], "little")
    return next((rate_hz for rate_hz in _OPUS_INPUT_HZ if 0 < said_hz <= rate_hz), _OPUS_HZ)


@dataclass(frozen=True)
class _Coding:
    """What the first packet of a stream says."""

    codec: bytes
    rate_hz: int | None
    channels: int


@dataclass(frozen=True)
class OggPage:
    """What a page says of its packets."""

    link: int
    """Number of the recording, from 1."""
    packets: int
    """So many begin and end here."""
    end_frames: int | None
    """When the last packet that ends here does, in samples; None: none ends here."""


class OggPages:
    """Follows the pages of a file that comes in pieces."""

    def __init__(self) -> None:
        self._pages: dict[int, OggPage] = {}
        """By the position of their first byte."""
        self._position = 0
        self.refusal: Mixed | None = None
        """Another recording begins that is coded or sampled in another way."""
        self._held = b""
        self._skip_bytes = 0
        self._among_first_pages = False
        self._links = 0
        self._coding: _Coding | None = None
        """Of the first recording."""

    def feed(self, data: bytes) -> int:
        """Take the next bytes, and return how many of them come before what is refused."""
        if self.refusal is not None:
            return 0
        start = self._position - len(self._held)
        skipped = min(self._skip_bytes, len(data))
        self._skip_bytes -= skipped
        start += skipped
        self._position += len(data)
        held, at = self._held + data[skipped:], 0
        while len(held) - at >= _HEADER_BYTES:
            if held[at : at + len(_MAGIC)] != _MAGIC:
                found = held.find(_MAGIC, at)
                at = found if found >= 0 else len(held) - len(_MAGIC) + 1
                continue
            begin = at + _HEADER_BYTES + held[at + _SEGMENTS_AT]
            end = begin + sum(held[at + _HEADER_BYTES : begin])
            is_first = bool(held[at + _FLAGS_AT] & _FIRST_PAGE)
            if len(held) < (min(end, begin + _LOOKED_AT_BYTES) if is_first else begin):
                break
            self.refusal = self._look(held[begin : begin + _LOOKED_AT_BYTES], is_first=is_first)
            if self.refusal is not None:
                return max(0, len(data) - (self._position - start - at))
            self._pages[start + at] = self._page(held[at:begin])
            self._skip_bytes = max(0, end - len(held))
            at = min(end, len(held))
        self._held = held[at:]
        return len(data)

    def page_at(self, position: int) -> OggPage | None:
        """Return the page that begins there, and forget those before."""
        for earlier in [each for each in self._pages if each < position]:
            del self._pages[earlier]
        return self._pages.get(position)

    def _page(self, header: bytes) -> OggPage:
        lengths = header[_HEADER_BYTES:]
        ended = sum(length < _WHOLE_SEGMENT for length in lengths)
        time = int.from_bytes(header[_TIME], "little", signed=True)
        continued = bool(header[_FLAGS_AT] & _CONTINUED)
        return OggPage(self._links, ended - (continued and ended > 0), None if time == _NO_TIME else time)

    def _look(self, packet: bytes, *, is_first: bool) -> Mixed | None:
        if is_first and not self._among_first_pages:
            self._links += 1
        self._among_first_pages = is_first
        coding = _coding(packet) if is_first else None
        if self._coding is None:
            self._coding = coding
        if coding is None or self._links <= 1 or coding == self._coding:
            return None
        return Mixed(
            "audio/ogg",
            f"The file holds {self._links} recordings one after another, of several codecs, rates or "
            "channels. Send each as a file of its own, or convert the whole.",
        )


def _coding(packet: bytes) -> _Coding | None:
    if packet[:8] == b"OpusHead" and len(packet) >= 16:
        return _Coding(b"opus", opus_rate_hz(packet), packet[9])
    if packet[:7] == b"\x01vorbis" and len(packet) >= 16:
        return _Coding(b"vorbis", int.from_bytes(packet[12:16], "little"), packet[11])
    return None
