"""An append-only log of JSON records: what was acknowledged is on disk, and a torn tail is cut off."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Record = dict[str, Any]

_LIBC = ctypes.CDLL(None)

_KEEP_SIZE = 1
"""fallocate(2): room behind the end of the file, which stays where it is."""
_RESERVE_BYTES = 512 * 1024
"""On a disk that is full, so much can still be noted: above all what is deleted, which makes room."""


class JournalUnwritable(OSError):
    """The records could not be put on disk; they are kept and written with the next ones."""


def is_full(error: OSError) -> bool:
    """Tell whether it is room that is missing: on the disk, of a quota, or under a limit on files."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def encode(record: Record) -> bytes:
    """Return the line of a record: CRC-32 of the JSON text in hex, a space, the JSON text, a newline."""
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode(line: bytes) -> Record | None:
    """Return the record of a whole line, or None when the line is torn or damaged."""
    checksum, space, text = line.rstrip(b"\n").partition(b" ")
    if not (line.endswith(b"\n") and space and checksum == b"%08x" % zlib.crc32(text)):
        return None
    record = json.loads(text)
    return record if isinstance(record, dict) else None


def read(path: Path) -> Iterator[tuple[Record, int]]:
    """Yield each record with the offset of its end, up to the first line that is not whole."""
    if not path.exists():
        return
    end_bytes = 0
    with path.open("rb") as file:
        for line in file:
            record = decode(line)
            if record is None:
                return
            end_bytes += len(line)
            yield record, end_bytes


def cut_torn_tail(path: Path) -> int:
    """Shorten the file to its whole records, keep what is cut beside it, and return how long that was."""
    if not path.exists():
        return 0
    good_bytes = max((end_bytes for _, end_bytes in read(path)), default=0)
    torn_bytes = path.stat().st_size - good_bytes
    if torn_bytes:
        with path.open("r+b") as file:
            file.seek(good_bytes)
            with contextlib.suppress(OSError):  # for the curious only: it may find no room
                path.with_suffix(".torn").write_bytes(file.read())
            file.truncate(good_bytes)
            os.fsync(file.fileno())
    return torn_bytes


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rewrite(path: Path, records: Iterable[Record]) -> None:
    """Replace the whole log at once: after a crash there is either the old one or the new one."""
    fresh = path.with_suffix(".new")
    try:
        with fresh.open("wb") as file:
            for record in records:
                file.write(encode(record))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    fresh.replace(path)
    sync_directory(path.parent)


class Journal:
    """The log open for writing, in one event loop. Records reach the disk in the order of `append`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        self._size_bytes = os.lseek(self._descriptor, 0, os.SEEK_END)
        self._reserved_bytes = 0
        self._reserve()
        sync_directory(path.parent)
        self._pending: list[bytes] = []
        self._appended = 0
        self._durable = 0
        self._writing: asyncio.Task[None] | None = None

    @property
    def size_bytes(self) -> int:
        """Length of what is on disk."""
        return self._size_bytes

    def append(self, record: Record) -> None:
        """Put a record behind all earlier ones; `flushed` tells when it is on disk."""
        self._pending.append(encode(record))
        self._appended += 1

    async def flushed(self) -> None:
        """Return once every record appended so far is on disk; many callers share one write.

        Raises:
            JournalUnwritable: the disk refused; the records stay pending, so nothing later overtakes them.
        """
        wanted = self._appended
        while self._durable < wanted:
            if self._writing is None:
                self._writing = asyncio.create_task(self._write_pending())
            # A caller that is cancelled must not take the write of the others along.
            await asyncio.shield(self._writing)

    async def _write_pending(self) -> None:
        lines, upto = self._pending, self._appended
        self._pending = []
        try:
            await asyncio.to_thread(self._write, b"".join(lines))
            self._durable = upto
        except OSError as error:
            self._pending = lines + self._pending
            raise JournalUnwritable(error.errno, error.strerror) from error
        finally:
            self._writing = None

    def _write(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            offset = self._size_bytes
            while view:
                written = os.pwrite(self._descriptor, view, offset)
                view, offset = view[written:], offset + written
            os.fdatasync(self._descriptor)
        except OSError:
            # Half a record must not stay between this write and the next one.
            os.ftruncate(self._descriptor, self._size_bytes)
            self._reserved_bytes = 0
            raise
        self._size_bytes = offset
        self._reserve()

    def _reserve(self) -> None:
        """Take room ahead, when half of it is used up; without any to take, the rest has to last."""
        if self._reserved_bytes - self._size_bytes < _RESERVE_BYTES // 2:
            offset, length = ctypes.c_int64(self._size_bytes), ctypes.c_int64(_RESERVE_BYTES)
            if _LIBC.fallocate(self._descriptor, _KEEP_SIZE, offset, length) == 0:
                self._reserved_bytes = self._size_bytes + _RESERVE_BYTES

    async def compact(self, snapshot: Callable[[], Iterable[Record]]) -> None:
        """Replace the log by the records that make the present state.

        Raises:
            OSError: the disk refused; the log is as before.
        """
        while self._writing is not None:
            await asyncio.wait([self._writing])
        # From here on nothing else runs: what is pending has made its change, and is in the snapshot.
        rewrite(self._path, snapshot())
        os.close(self._descriptor)
        self._descriptor = os.open(self._path, os.O_WRONLY)
        self._size_bytes = os.lseek(self._descriptor, 0, os.SEEK_END)
        self._reserved_bytes = 0
        self._reserve()
        self._pending.clear()
        self._durable = self._appended

    def close(self) -> None:
        """Give the file back; what was not flushed is lost."""
        os.close(self._descriptor)
