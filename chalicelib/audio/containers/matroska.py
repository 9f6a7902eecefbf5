"""Whether a WebM file ends where one of its elements does, by the sizes that they say."""

from __future__ import annotations

import os
from typing import BinaryIO

_HEADER_BYTES = 12
"""An identifier of at most 4 bytes, and a size of at most 8."""
_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675


def is_cut(file: BinaryIO) -> bool:
    """Return whether the last element is shorter than it says; leaves the file at its start.

    The duration in the header is no help: it is when the recording ended, of a video too, and not how much of
    it was sound. Recorders that cannot go back leave sizes out; then the elements inside are looked at.
    """
    total = file.seek(0, os.SEEK_END)
    at = 0
    while at < total:
        file.seek(at)
        header = file.read(_HEADER_BYTES)
        found = _header(header)
        if found is None:
            file.seek(0)
            return len(header) < _HEADER_BYTES and at + len(header) == total
        identifier, size, length = found
        at += length
        if size is None and identifier in (_SEGMENT, _CLUSTER):
            continue  # its elements follow
        if size is None:
            break
        at += size
    file.seek(0)
    return at > total


def _header(data: bytes) -> tuple[int, int | None, int] | None:
    """Return identifier, size (None: not known) and length of a header; None: it is none, or not whole."""
    id_bytes = _length(data[:1], 4)
    size_bytes = _length(data[id_bytes : id_bytes + 1], 8)
    length = id_bytes + size_bytes
    if not id_bytes or not size_bytes or len(data) < length:
        return None
    marked = int.from_bytes(data[id_bytes:length], "big")
    most = (1 << 7 * size_bytes) - 1
    size = marked & most
    return int.from_bytes(data[:id_bytes], "big"), None if size == most else size, length


def _length(first: bytes, most: int) -> int:
    """Return how long a number of variable length is, by its first byte; 0: it is none."""
    length = 9 - first[0].bit_length() if first and first[0] else 0
    return length if length <= most else 0
