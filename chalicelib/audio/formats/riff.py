"""What the headers of WAV and AU files claim about the length of their data."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

WAV_MAGICS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
"""RF64 and its successor BW64 may be longer than 4 GiB."""
MOST_CHUNKS = 1000
UNKNOWN_FROM = 0x7FFFF000
"""Programs that write to a pipe put such a number where the length would be: 2 or 4 GiB less a header."""


@dataclass(frozen=True)
class DataChunk:
    """Where the samples of a file lie."""

    start: int
    """Their first byte."""
    announced_bytes: int | None
    """What the header claims; None: it does not know."""
    present_bytes: int
    """From the first byte to the end of the file, or of the announced data."""


def data_chunk(file: BinaryIO) -> DataChunk | None:
    """Find the samples of a WAV or AU file; None: there are none. Leaves the file at its start."""
    try:
        file.seek(0)
        head = file.read(12)
        total = file.seek(0, os.SEEK_END)
        if head[:4] == b".snd" and len(head) == 12:
            start, announced = struct.unpack(">II", head[4:])
            return _chunk(start, announced, total)
        if head[:4] in WAV_MAGICS and head[8:12] == b"WAVE":
            return _wav_data(file, ">" if head[:4] == b"RIFX" else "<", total)
        return None
    finally:
        file.seek(0)


def _wav_data(file: BinaryIO, order: str, total: int) -> DataChunk | None:
    position, long_bytes = 12, None
    for _ in range(MOST_CHUNKS):
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return None
        name, size = header[:4], struct.unpack(f"{order}I", header[4:])[0]
        if name == b"ds64" and size >= 16:
            # RF64: the true length is here, and the data chunk says 4294967295.
            long_bytes = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))[1]
        if name == b"data":
            return _chunk(position + 8, long_bytes if size == 0xFFFFFFFF and long_bytes else size, total)
        position += 8 + size + size % 2
    return None


def _chunk(start: int, announced: int, total: int) -> DataChunk:
    present = max(0, total - start)
    unknown = announced == 0 or (UNKNOWN_FROM <= announced <= 0xFFFFFFFF and announced > present)
    if unknown:
        return DataChunk(start, None, present)
    return DataChunk(start, announced, min(announced, present))


def is_chunk_name(name: bytes) -> bool:
    """Whether a chunk may have this name: four printable characters."""
    return len(name) == 4 and all(0x20 <= letter < 0x7F for letter in name)


def is_empty(following: bytes, order: str, position: int, riff_end: int | None) -> bool:
    """Whether a data chunk of no bytes is truly empty, and not one whose length was never filled in.

    It is where the file says that it goes on, and a chunk follows that fits.

    Args:
        following: the next 8 bytes, or fewer at the end of the file.
        order: `<` or `>`.
        position: of these bytes in the file.
        riff_end: where the file ends by its header; None: it does not know.
    """
    if riff_end is None or position + 8 > riff_end or len(following) < 8 or not is_chunk_name(following[:4]):
        return False
    size = int(struct.unpack_from(f"{order}I", following, 4)[0])
    return position + 8 + size <= riff_end + 1
