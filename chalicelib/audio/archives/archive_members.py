"""The members of a zip or tar.gz archive, one after the other; their names never become paths on disk."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from chalicelib.audio.archives import tar_archive, zip_archive
from chalicelib.audio.archives.archive_entries import (
    ArchiveBudget,
    ArchiveEntry,
    ArchiveError,
    ArchiveLimits,
    Damaged,
)

__all__ = ["ArchiveError", "ArchiveLimits", "Damaged", "Member", "members", "unpacked"]

MAX_NAME_LENGTH = 128
_IN_MEMORY_BYTES = 16 << 20
"""Of one member; larger ones lie in an unnamed temporary file."""
_PIECE_BYTES = 1 << 20
_LITTER_OF_WINDOWS = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})
_DRIVE = re.compile(r"[A-Za-z]:")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ufffd]")


@dataclass(frozen=True)
class Member:
    """One file of an archive."""

    name: str
    """Its path inside the archive, shortened where it is too long."""
    file: BinaryIO | None
    """Seekable, at its start; None when it cannot be used."""
    error: str | None = None
    """Why it cannot be used, for the user to read."""


def members(path: Path, *, limits: ArchiveLimits | None = None) -> Iterator[Member]:
    """Yield the files of an archive in its own order, without directories and what macOS and Windows
    add.

    Each is closed when the next one is asked for.

    Raises:
        ArchiveError: the archive is neither zip nor tar.gz, damaged, or passes a limit. Members before that
            have been given already.
        OSError: the archive cannot be read, or the disk is full.
    """
    for member in unpacked(path, limits=limits):
        try:
            yield member
        finally:
            if member.file is not None:
                member.file.close()


def unpacked(path: Path, *, limits: ArchiveLimits | None = None) -> Iterator[Member]:
    """Yield what `members` yields; closing each is the caller's duty, so that several can be open."""
    budget = ArchiveBudget(limits or ArchiveLimits(), path.stat().st_size, time.monotonic())
    seen: set[str] = set()
    with path.open("rb") as file:
        for entry in _entries(file, budget):
            budget.count_entry()
            if entry.is_directory or _is_litter(entry.name):
                continue
            problem = entry.problem or _name_problem(entry.name)
            if problem is None and entry.name in seen:
                problem = "The archive holds this name twice. Rename one of the two."
            seen.add(entry.name)
            if problem is None:
                yield _with_content(entry, budget)
            else:
                yield Member(_shown(entry.name), None, problem)


def _entries(file: BinaryIO, budget: ArchiveBudget) -> Iterator[ArchiveEntry]:
    magic = file.read(4)
    file.seek(0)
    if magic[:2] == b"PK":
        return zip_archive.entries(file, budget)
    if magic[:2] == b"\x1f\x8b":
        return tar_archive.entries(file, budget)
    raise ArchiveError("This is neither a zip nor a tar.gz archive. Pack the audio again as .zip or .tar.gz.")


def _with_content(entry: ArchiveEntry, budget: ArchiveBudget) -> Member:
    # The whole member is unpacked first: decoders seek, and only its end tells whether it is undamaged.
    spool = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - given away open
    try:
        while piece := entry.read(_PIECE_BYTES):
            budget.take(len(piece))
            spool.write(piece)
        spool.seek(0)
    except Damaged as error:
        spool.close()
        if not entry.can_go_on:
            raise
        return Member(entry.name, None, str(error))
    except BaseException:
        spool.close()
        raise
    return Member(entry.name, cast(BinaryIO, spool))


def _is_litter(name: str) -> bool:
    """Whether macOS or Windows added this by itself: AppleDouble files, folder settings and previews."""
    base = name.rsplit("/", 1)[-1]
    return (
        name.startswith("__MACOSX/")
        or base.startswith("._")
        or base == ".DS_Store"
        or base.lower() in _LITTER_OF_WINDOWS
    )


def _name_problem(name: str) -> str | None:
    if len(name) > MAX_NAME_LENGTH:
        return (
            f"The name with its path has {len(name)} characters, but at most {MAX_NAME_LENGTH} are allowed. "
            "Shorten it."
        )
    if name.startswith("/") or _DRIVE.match(name):
        return "The name is an absolute path. Pack the archive with relative names."
    if "\\" in name:
        return "The name has a backslash. Pack the archive with / between folders."
    if ".." in name.split("/"):
        return "The name leads out of the archive with '..'. Pack the archive from within its folder."
    if not name or _UNPRINTABLE.search(name):
        return "The name has characters that cannot be read. Rename it."
    return None


def _shown(name: str) -> str:
    with suppress(UnicodeEncodeError):
        name.encode()
        readable = _UNPRINTABLE.sub("\ufffd", name) or "\ufffd"
        return readable if len(readable) <= MAX_NAME_LENGTH else readable[: MAX_NAME_LENGTH - 1] + "…"
    return _shown(name.encode("utf-8", "replace").decode())
