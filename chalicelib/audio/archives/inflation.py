"""A gzip file as a stream of its content, unpacked ahead in a second thread."""

from __future__ import annotations

import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from chalicelib.audio.archives.archive_entries import Damaged

_PACKED_PIECE_BYTES = 1 << 18
_PIECE_BYTES = 4 << 20
_GZIP = 16 + zlib.MAX_WBITS


class Inflated:
    """Reads what one or several gzip members hold. zlib lets other threads run while it works."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflater = zlib.decompressobj(_GZIP)
        self._packed = b""
        self._buffer = memoryview(b"")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inflate")
        self._next: Future[bytes] = self._thread.submit(self._inflate)

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer only at the end.

        Raises:
            Damaged: the file is cut off, or its checksum is wrong.
        """
        parts = []
        wanted = size
        while wanted:
            if not self._buffer:
                piece = self._next.result()
                if not piece:
                    break
                self._buffer = memoryview(piece)
                self._next = self._thread.submit(self._inflate)
            part = self._buffer[:wanted]
            self._buffer = self._buffer[len(part) :]
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """End the thread."""
        self._next.cancel()
        self._thread.shutdown()

    def _inflate(self) -> bytes:
        parts: list[bytes] = []
        length = 0
        while length < _PIECE_BYTES:
            if self._inflater.eof and not self._start_next_member():
                break
            self._packed = self._packed or self._file.read(_PACKED_PIECE_BYTES)
            if not self._packed:
                raise Damaged
            try:
                part = self._inflater.decompress(self._packed, _PIECE_BYTES - length)
            except zlib.error as error:
                raise Damaged from error
            self._packed = self._inflater.unconsumed_tail
            parts.append(part)
            length += len(part)
        return b"".join(parts)

    def _start_next_member(self) -> bool:
        rest = (self._inflater.unused_data or self._packed).lstrip(b"\0")
        while not rest:
            piece = self._file.read(_PACKED_PIECE_BYTES)
            if not piece:
                return False
            rest = piece.lstrip(b"\0")
        self._inflater = zlib.decompressobj(_GZIP)
        self._packed = rest
        return True
