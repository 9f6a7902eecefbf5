"""Ogg files that hold several recordings one after another, as live captures and `cat` make them."""

from __future__ import annotations

import os
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from typing import BinaryIO

# RFC 3533: a page's header, then a table of the lengths of its segments.
_HEADER_BYTES = 27
_FLAGS_AT = 5
_SEGMENTS_AT = 26
_FIRST_PAGE = 0x02
MOST_LINKS = 10_000


def links(file: BinaryIO) -> list[tuple[int, int]]:
    """Return where each recording begins and ends, in bytes; leaves the file at its start.

    A recording begins with the first pages of all its streams. What follows a page that is none belongs to
    the recording before.
    """
    total = file.seek(0, os.SEEK_END)
    starts, at, among_first_pages = [0], 0, True
    while at < total:
        file.seek(at)
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or header[:4] != b"OggS":
            break
        is_first = bool(header[_FLAGS_AT] & _FIRST_PAGE)
        if is_first and not among_first_pages and len(starts) < MOST_LINKS:
            starts.append(at)
        among_first_pages = is_first
        segments = header[_SEGMENTS_AT]
        at += _HEADER_BYTES + segments + sum(file.read(segments))
    file.seek(0)
    return list(zip(starts, [*starts[1:], total], strict=True))


class Window(RawIOBase):
    """A part of a seekable file as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._size = end - start
        self._at = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes from where it is."""
        left = max(0, self._size - self._at)
        self._file.seek(self._start + self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        """Go elsewhere, and return where that is."""
        origin = {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        """Return where it is."""
        return self._at
