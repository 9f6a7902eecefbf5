"""WAV files as they come, chunk by chunk: plain samples are read here, rare codings by FFmpeg's libraries."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from chalicelib.audio.containers.streamed_container import Container
from chalicelib.audio.errors import Undecodable
from chalicelib.audio.formats import riff
from chalicelib.audio.formats.streamed_samples import Coding, Raw, companded, floating, linear
from chalicelib.audio.stream import AudioFormat, Samples, check_rate

ESSENCE = "audio/wav"
_HEAD_BYTES = 12
_CHUNK_HEAD_BYTES = 8
_FORMAT_BYTES = 16
_MOST_FORMAT_BYTES = 1 << 16
_LONG_SIZES_BYTES = 28
"""Of the chunk ds64 of RF64 and BW64 files: the lengths that need more than 32 bits."""
_FILLING_BYTES = 128
"""Up to so many after a chunk of no samples are no samples either, a few milliseconds at most."""
_EXTENSIBLE = 0xFFFE
_PCM, _FLOAT, _A_LAW, _MU_LAW = 1, 3, 6, 7
_AAC = frozenset({0x00FF, 0x1610, 0x706D, 0xA106})


class Wav:
    """A WAV file, fed piece by piece; what is neither its format nor samples is never held.

    A file with several chunks of samples has them one after another.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._container: Container | None = None
        """Reads codings that are not plain."""
        self._shown_first = b""
        """What it is shown before the rest of the file."""
        self._raw: Raw | None = None
        self._held = b""
        self._order = "<"
        self._position = 0
        """Of the first byte that is held, in the file."""
        self._riff_end: int | None = None
        self._long_sizes = b""
        self._skip_bytes = 0
        self._data_bytes: int | None = 0
        """So many are left of the samples that are being read; None: all that come."""
        self._chunks = 0
        self._heard = False
        self._over = False

    @property
    def format(self) -> AudioFormat | None:
        """How it is sampled; None while nothing says so."""
        if self._container is not None:
            return self._container.format
        return self._raw.format if self._raw is not None else None

    @property
    def damaged_s(self) -> float | None:
        """Where something could not be decoded first, in seconds; known at the end."""
        return None if self._container is None else self._container.damaged_s

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, channels).

        Raises:
            Undecodable: the file is damaged, or no WAV file.
        """
        while data and not self._over:
            if self._container is not None:
                shown, self._shown_first = self._shown_first + data, b""
                yield from self._container.feed(shown)
                return
            if self._data_bytes != 0:
                assert self._raw is not None
                taken = data if self._data_bytes is None else data[: self._data_bytes]
                yield from self._raw.feed(taken)
                self._position += len(taken)
                data = data[len(taken) :]
                if self._data_bytes is not None:
                    self._data_bytes -= len(taken)
            elif self._skip_bytes:
                skipped = min(self._skip_bytes, len(data))
                self._skip_bytes -= skipped
                self._position += skipped
                data = data[skipped:]
            else:
                data = self._header(self._held + data)

    def finish(self) -> Iterator[Samples]:
        """Yield what is left.

        Raises:
            Undecodable: the file ends before its samples.
        """
        if self._container is not None:
            yield from self._container.feed(self._shown_first)
            yield from self._container.finish()
            return
        if self._raw is not None and self._held[:4] == b"data":
            self._heard = True  # of no samples; what follows fills up the file, or is a tag
        if self._raw is None or not self._heard:
            raise Undecodable(ESSENCE, "The WAV file has no samples where they should be.")
        yield from self._raw.finish()

    def close(self) -> None:
        """End what is at work."""
        if self._container is not None:
            self._container.close()

    def _header(self, held: bytes) -> bytes:
        """Read the beginning of the file or of a chunk, and return what follows; too little is held."""
        taken = self._begin(held) if self._position == 0 else self._chunk(held)
        self._held = b"" if taken else held
        return held[taken:] if taken else b""

    def _begin(self, held: bytes) -> int:
        if len(held) < _HEAD_BYTES:
            return 0
        if held[:4] not in riff.WAV_MAGICS or held[8:12] != b"WAVE":
            raise Undecodable(
                ESSENCE, "The bytes cannot be read as audio/wav: they do not begin as a WAV file."
            )
        self._order = ">" if held[:4] == b"RIFX" else "<"
        size = self._number(held, 4)
        known = held[:4] in (b"RIFF", b"RIFX") and 0 < size < riff.UNKNOWN_FROM
        self._riff_end = 8 + size if known else None
        self._position = _HEAD_BYTES
        return _HEAD_BYTES

    def _chunk(self, held: bytes) -> int:
        """Read one chunk's header, and its content where that is needed; 0: more must be held."""
        if len(held) < _CHUNK_HEAD_BYTES:
            return 0
        name, size = held[:4], self._number(held, 4)
        if self._heard and not riff.is_chunk_name(name):
            self._over = True  # what follows the samples is no chunk
            return len(held)
        wanted = {b"fmt ": size, b"ds64": min(size, _LONG_SIZES_BYTES)}.get(name, 0)
        if self._raw is not None:
            wanted = 0
        if wanted > _MOST_FORMAT_BYTES:
            raise Undecodable(ESSENCE, "The WAV file's description of its samples is too long.")
        if name == b"data" and size == 0:
            wanted = _FILLING_BYTES
        if len(held) < _CHUNK_HEAD_BYTES + wanted:
            return 0
        content = held[_CHUNK_HEAD_BYTES : _CHUNK_HEAD_BYTES + wanted]
        self._chunks += 1
        if self._chunks > riff.MOST_CHUNKS:
            raise Undecodable(ESSENCE, "The WAV file has no samples where they should be.")
        self._position += _CHUNK_HEAD_BYTES
        if name == b"data":
            self._begin_samples(size, content)
            return _CHUNK_HEAD_BYTES
        if name == b"ds64":
            self._long_sizes = content
        if name == b"fmt " and self._raw is None:
            coding = _coding(content, self._order)
            if coding is None:
                self._hand_over(content)
            else:
                _, channels, rate_hz = struct.unpack_from(f"{self._order}HHI", content)
                self._raw = Raw(coding, rate_hz, channels)
        self._position += wanted
        self._skip_bytes = size + size % 2 - wanted
        return _CHUNK_HEAD_BYTES + wanted

    def _begin_samples(self, size: int, following: bytes) -> None:
        if self._raw is None:
            raise Undecodable(ESSENCE, "The WAV file has samples before it says what they are.")
        self._heard = True
        self._raw.begin_anew()
        if size == 0 and riff.is_empty(following, self._order, self._position, self._riff_end):
            return
        if size == 0xFFFFFFFF and len(self._long_sizes) >= 16:
            size = int.from_bytes(self._long_sizes[8:16], "little")
        known = size > 0 and not riff.UNKNOWN_FROM <= size <= 0xFFFFFFFF
        self._data_bytes = size if known else None
        self._skip_bytes = size % 2 if known else 0

    def _hand_over(self, description: bytes) -> None:
        """Let FFmpeg's libraries read on: they are shown a file that begins with its description."""
        magic = b"RF64" if self._long_sizes else b"RIFX" if self._order == ">" else b"RIFF"
        unknown = struct.pack(f"{self._order}I", 0xFFFFFFFF)
        self._shown_first = magic + unknown + b"WAVE"
        for name, content in ((b"ds64", self._long_sizes), (b"fmt ", description)):
            if content:
                size = struct.pack(f"{self._order}I", len(content))
                self._shown_first += name + size + content + bytes(len(content) % 2)
        self._container = Container(ESSENCE, live=self._live)

    def _number(self, data: bytes, at: int) -> int:
        return int(struct.unpack_from(f"{self._order}I", data, at)[0])


def _coding(chunk: bytes, order: str) -> Coding | None:
    """Return the coding of plain samples; None: it is another.

    Raises:
        Undecodable: the description makes no sense.
    """
    if len(chunk) < _FORMAT_BYTES:
        raise Undecodable(ESSENCE, "The WAV file's description of its samples is too short.")
    tag, channels, rate_hz, _, frame_bytes, bits = struct.unpack_from(f"{order}HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 26:
        (tag,) = struct.unpack_from(f"{order}H", chunk, 24)
    check_rate(rate_hz, ESSENCE)
    if channels == 0:
        raise Undecodable(ESSENCE, "The WAV file says that it has no channels.")
    if tag in _AAC:
        raise Undecodable(
            ESSENCE,
            "The bytes cannot be read as audio/wav: it holds AAC, of which WAV does not tell where a frame "
            "ends. Convert the audio, for instance to FLAC.",
        )
    big = order == ">"
    # Samples of 12 or 20 bits lie in the upper bits of 16 or 24, and 24 often in those of 32.
    if tag == _PCM and (bits % 8 or (bits == 24 and frame_bytes == 4 * channels)):
        bits = 8 * frame_bytes // channels
    if tag == _PCM and bits in (8, 16, 24, 32):
        return linear(bits, big=big)
    if tag == _FLOAT and bits in (32, 64):
        return floating(bits, big=big)
    if tag in (_A_LAW, _MU_LAW) and (bits == 8 or frame_bytes == channels):
        return companded("ALAW" if tag == _A_LAW else "ULAW")
    return None
