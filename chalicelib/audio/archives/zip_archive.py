"""The entries of a zip archive."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO

from chalicelib.audio.archives.archive_entries import ArchiveBudget, ArchiveEntry, Damaged, nothing

_MAX_DIRECTORY_BYTES = 8 << 20
_END = b"PK\x05\x06"
_END_BYTES = 22
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_LOCATOR_64_BYTES = 20
_MAX_COMMENT_BYTES = 65535
_UTF_8_FLAG = 0x800
_FIELD_HEADER_BYTES = 4
_UNICODE_PATH = 0x7075
_UNICODE_PATH_HEAD_BYTES = 5
"""Version and checksum of the name in the header, before the name in UTF-8."""
_ENCRYPTED_FLAGS = 0x1 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def entries(file: BinaryIO, budget: ArchiveBudget) -> Iterator[ArchiveEntry]:
    """Yield the entries of a zip archive in the order of its directory.

    Raises:
        ArchiveError: the directory is damaged or too large.
    """
    _check_directory(file, budget)
    try:
        archive = zipfile.ZipFile(file)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        ValueError,
        OSError,
        struct.error,
        OverflowError,
    ) as error:
        raise Damaged from error
    with archive:
        budget.check_entries(len(archive.infolist()))
        for info in archive.infolist():
            name = _name(info)
            problem = _problem(info)
            if info.is_dir():
                yield ArchiveEntry(name, nothing, is_directory=True)
            elif problem is not None:
                yield ArchiveEntry(name, nothing, problem=problem)
            else:
                yield ArchiveEntry(name, _reader(archive, info))


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name that the packer meant. `filename` would end at a zero byte.

    Without the flag for UTF-8 a name is in code page 437, but macOS and others write UTF-8 all the same. What
    is valid UTF-8 beyond ASCII would be line drawing in the code page. Info-ZIP has the name in a field too.
    """
    if info.flag_bits & _UTF_8_FLAG:
        return info.orig_filename
    try:
        raw = info.orig_filename.encode("cp437")
        return _unicode_name(info.extra, raw) or raw.decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _unicode_name(extra: bytes, raw: bytes) -> str | None:
    """Return the name in Info-ZIP's field, if it belongs to the name in the header."""
    while len(extra) >= _FIELD_HEADER_BYTES:
        kind, size = struct.unpack_from("<HH", extra)
        content = extra[_FIELD_HEADER_BYTES : _FIELD_HEADER_BYTES + size]
        if kind == _UNICODE_PATH and len(content) > _UNICODE_PATH_HEAD_BYTES and content[0] == 1:
            (checksum,) = struct.unpack_from("<I", content, 1)
            if checksum == zlib.crc32(raw):
                return content[_UNICODE_PATH_HEAD_BYTES:].decode("utf-8")
        extra = extra[_FIELD_HEADER_BYTES + size :]
    return None


def _problem(info: zipfile.ZipInfo) -> str | None:
    if info.flag_bits & _ENCRYPTED_FLAGS:
        return "This member is encrypted. Pack it again without a password."
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "This member is a link or a device, not a file. Pack the file itself."
    if info.compress_type not in _METHODS:
        return (
            f"This member is packed with method {info.compress_type}. Pack it again with deflate, or stored."
        )
    return None


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    opened: list[IO[bytes]] = []

    def read(size: int) -> bytes:
        try:
            if not opened:
                opened.append(archive.open(info))
            piece = opened[0].read(size)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            ValueError,
            OSError,
            struct.error,
        ) as error:
            raise Damaged("This member is damaged") from error
        if not piece:
            opened.pop().close()
        return piece

    return read


def _check_directory(file: BinaryIO, budget: ArchiveBudget) -> None:
    """Refuse a directory too large to be held in memory, before it is read."""
    total = file.seek(0, os.SEEK_END)
    start = max(0, total - _END_BYTES - _MAX_COMMENT_BYTES - _LOCATOR_64_BYTES)
    file.seek(start)
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise Damaged
    size = int(struct.unpack_from("<I", tail, at + 12)[0])
    locator = at - _LOCATOR_64_BYTES
    if locator >= 0 and tail[locator : locator + 4] == _LOCATOR_64:
        file.seek(min(struct.unpack_from("<Q", tail, locator + 8)[0], total))
        end_64 = file.read(56)
        file.seek(0)
        if len(end_64) < 56 or end_64[:4] != _END_64:
            raise Damaged
        size = int(struct.unpack_from("<Q", end_64, 40)[0])
    if size > _MAX_DIRECTORY_BYTES:
        budget.check_entries(budget.limits.members + 1)
