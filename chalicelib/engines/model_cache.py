"""Models' files on this machine's disk: as many as fit into a budget; those used longest ago go first.

A file that somebody holds is never removed, by whichever process: holding is a shared lock on the file, so
that a process which dies lets go.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path

FOLDER_PREFIX = "attune-models-"
MOST_BYTES = 1 << 30
LARGEST_SHARE = 0.25
"""Of the whole disk: on a small one, recordings need the rest."""

_PART = ".part"
_ABANDONED_S = 3600.0
"""Nobody takes so long to write a file."""


class HeldFile:
    """A file that stays for as long as this object lives."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Take the path, and a descriptor of the file with the lock on it, which is closed in the end."""
        self.path = path
        weakref.finalize(self, os.close, descriptor)


def folder() -> Path:
    """Return the folder of this user's cached models, which nobody else can write to."""
    found = Path(tempfile.gettempdir()) / f"{FOLDER_PREFIX}{os.getuid()}"
    found.mkdir(mode=0o700, exist_ok=True)
    return found


def kept(path: Path, make: Callable[[Path], None]) -> HeldFile:
    """Return a file of the cache; `make` writes it, whole or not at all, where it is not there yet.

    Files beside it that were used longest ago are removed as far as the budget demands.
    """
    while True:
        held = hold(path)
        if held is not None:
            return held
        descriptor, part = tempfile.mkstemp(dir=path.parent, suffix=_PART)
        os.close(descriptor)
        try:
            make(Path(part))
            Path(part).replace(path)
        finally:
            Path(part).unlink(missing_ok=True)
        held = hold(path)
        _make_room(path.parent)
        if held is not None:
            return held


def hold(path: Path) -> HeldFile | None:
    """Return a file of the cache if it is there, and note that it is used."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    held = HeldFile(path, descriptor)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    locked = os.fstat(descriptor)
    try:
        is_same = path.stat().st_ino == locked.st_ino
    except FileNotFoundError:
        is_same = False
    if not is_same:  # replaced or removed before it was locked
        return hold(path)
    # The time of access alone: a changed file is known by its time of modification.
    os.utime(descriptor, ns=(time.time_ns(), locked.st_mtime_ns))
    return held


def budget_bytes(folder: Path) -> int:
    """Return how much the files of a folder may take."""
    return min(MOST_BYTES, int(shutil.disk_usage(folder).total * LARGEST_SHARE))


def _make_room(folder: Path) -> None:
    files = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process removed it just now
            found = path.stat()
            files.append((found.st_atime_ns, found.st_size, path))
            if path.suffix == _PART and found.st_mtime < time.time() - _ABANDONED_S:
                path.unlink()
    too_many = sum(size for _, size, _ in files) - budget_bytes(folder)
    for _, size, path in sorted(files):
        if too_many <= 0:
            return
        if path.suffix != _PART and _removed(path):
            too_many -= size


def _removed(path: Path) -> bool:
    """Remove a file unless somebody holds it."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except BlockingIOError:
        return False
    except FileNotFoundError:
        pass
    return True
