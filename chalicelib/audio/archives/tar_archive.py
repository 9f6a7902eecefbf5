"""The entries of a tar archive packed with gzip, read once from start to end."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

from chalicelib.audio.archives.archive_entries import (
    ArchiveBudget,
    ArchiveEntry,
    ArchiveError,
    Damaged,
    nothing,
)
from chalicelib.audio.archives.inflation import Inflated

_BLOCK_BYTES = tarfile.BLOCKSIZE
_MAX_EXTENSION_BYTES = 64 << 10
"""Long names and attributes come in entries of their own, which must be held in memory."""
_MAX_EXTENSIONS = 8
"""Of one entry; two are usual."""
_SKIP_BYTES = 1 << 20
_POSIX_MAGIC = b"ustar\0"
_NAME = slice(0, 100)
_MAGIC = slice(257, 263)
# What GNU tar and Solaris pack for themselves: a volume's label, the listing of a folder (incremental
# archives), long names of old, access rights, extended attributes, an inode.
_NO_MEMBERS = frozenset({b"V", b"D", b"N", b"A", b"E", b"I"})
_REST_OF_ANOTHER = b"M"
_SPARSE = "GNU.sparse."


def entries(file: BinaryIO, budget: ArchiveBudget) -> Iterator[ArchiveEntry]:
    """Yield the entries of a tar.gz archive in its order.

    Raises:
        ArchiveError: it is damaged, cut off, or holds no tar archive.
    """
    with closing(Inflated(file)) as stream:
        first = True
        attributes: dict[str, str] = {}
        extensions = 0
        while True:
            block = stream.read(_BLOCK_BYTES)
            if len(block) == _BLOCK_BYTES and not any(block):
                break
            header = _header(block, first=first)
            first = False
            name = attributes.get(f"{_SPARSE}name") or attributes.get("path") or _name(header, block)
            size = _size(attributes.get("size"), header.size)
            if header.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE):
                extensions += 1
                if extensions > _MAX_EXTENSIONS:
                    raise Damaged
                attributes |= _extension(header.type, _content(stream, size))
                continue
            is_sparse = header.type == tarfile.GNUTYPE_SPARSE or any(
                key.startswith(_SPARSE) for key in attributes
            )
            attributes, extensions = {}, 0
            data = _Content(stream, size, budget)
            yield _entry(name, header, data, is_sparse=is_sparse)
            data.skip()
        _drain(stream, budget)


def _name(header: tarfile.TarInfo, block: bytes) -> str:
    """Return the name in a header: only POSIX has the beginning of a long one where GNU tar has times."""
    if block[_MAGIC] == _POSIX_MAGIC:
        return header.name
    return block[_NAME].partition(b"\0")[0].decode("utf-8", "replace")


def _entry(name: str, header: tarfile.TarInfo, data: _Content, *, is_sparse: bool) -> ArchiveEntry:
    # A global header has attributes for all entries after it; none that matter here.
    if header.isdir() or header.type == tarfile.XGLTYPE or header.type in _NO_MEMBERS:
        return ArchiveEntry(name, nothing, is_directory=True)
    if header.type == _REST_OF_ANOTHER:
        return ArchiveEntry(
            name, nothing, problem="This member began in another archive. Pack each file into one archive."
        )
    if is_sparse:
        return ArchiveEntry(
            name, nothing, problem="This member is packed as a sparse file. Pack it as an ordinary one."
        )
    if not header.isreg():
        return ArchiveEntry(
            name, nothing, problem="This member is a link or a device, not a file. Pack the file itself."
        )
    return ArchiveEntry(name, data.read, can_go_on=False)


class _Content:
    """The content of one entry, and the filling up to a whole block behind it."""

    def __init__(self, stream: Inflated, size: int, budget: ArchiveBudget) -> None:
        self._stream = stream
        self._left = size
        self._filling = -size % _BLOCK_BYTES
        self._budget = budget

    def read(self, size: int) -> bytes:
        piece = self._stream.read(min(size, self._left))
        if not piece and self._left:
            raise Damaged
        self._left -= len(piece)
        return piece

    def skip(self) -> None:
        """Go to the next header."""
        while piece := self.read(_SKIP_BYTES):
            self._budget.take(len(piece))
        if len(self._stream.read(self._filling)) < self._filling:
            raise Damaged


def _header(block: bytes, *, first: bool) -> tarfile.TarInfo:
    if len(block) < _BLOCK_BYTES:
        if first and block:
            raise _no_tar()
        raise Damaged
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    except tarfile.HeaderError as error:
        raise _no_tar() if first else Damaged() from error


def _no_tar() -> ArchiveError:
    return ArchiveError("The gzip file does not hold a tar archive. Pack the audio as .tar.gz or .zip.")


def _content(stream: Inflated, size: int) -> bytes:
    if size > _MAX_EXTENSION_BYTES:
        raise ArchiveError("A name in the archive is far too long. Shorten the names.")
    padded = size + -size % _BLOCK_BYTES
    content = stream.read(padded)
    if len(content) < padded:
        raise Damaged
    return content[:size]


def _extension(kind: bytes, content: bytes) -> dict[str, str]:
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": content.rstrip(b"\0").decode("utf-8", "replace")}
    return _pax(content) if kind == tarfile.XHDTYPE else {}


def _pax(content: bytes) -> dict[str, str]:
    """Read records of the form `30 path=some/long/name\\n`, whose number counts the whole record."""
    attributes = {}
    while content.strip(b"\0"):
        digits, space, _ = content.partition(b" ")
        if not space or not digits.isdigit() or len(digits) > 6:
            raise Damaged
        length = int(digits)
        record = content[len(digits) + 1 : length]
        key, equals, value = record.removesuffix(b"\n").partition(b"=")
        if not equals or length > len(content):
            raise Damaged
        attributes[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        content = content[length:]
    return {
        key: value for key, value in attributes.items() if key in ("path", "size") or key.startswith(_SPARSE)
    }


def _size(said: str | None, header_size: int) -> int:
    if said is None:
        size = header_size
    elif said.isascii() and said.isdigit() and len(said) < 20:
        size = int(said)
    else:
        raise Damaged
    if size < 0:
        raise Damaged
    return size


def _drain(stream: Inflated, budget: ArchiveBudget) -> None:
    """Read to the end of the gzip file, where its checksum is; only filling may be there."""
    while piece := stream.read(_SKIP_BYTES):
        budget.take(len(piece))
