"""Whether a large file is the right one: hashed once on a machine, and again when it has changed."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from chalicelib.engines.errors import ModelUnreadable

_STAMPED_BYTES = 1 << 20
"""A smaller file is hashed each time: that costs less than a stamp."""


def check(path: Path, sha256: str, size_bytes: int, way_out: str, stamps: Path | None = None) -> None:
    """Check a file's size and checksum.

    Args:
        path: the file.
        sha256: what its checksum must be, in hexadecimal.
        size_bytes: what its size must be.
        way_out: what can be done about another file.
        stamps: folder that remembers which files were found right; None: the user's own.

    Raises:
        ModelUnreadable: the file is not whole, or another one.
        OSError: it is not there, or cannot be read.
    """
    status = path.stat()
    if status.st_size != size_bytes:
        raise ModelUnreadable(
            f"{path} has {status.st_size} bytes, not {size_bytes}: it is not whole; {way_out}"
        )
    stamp = (stamps or _stamps()) / f"{sha256}-{status.st_dev:x}-{status.st_ino:x}"
    seen = f"{sha256} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    is_stamped = size_bytes >= _STAMPED_BYTES
    if is_stamped and _read(stamp) == seen:
        return
    found = checksum(path)
    if found != sha256:
        raise ModelUnreadable(f"{path} has the SHA-256 {found}, not {sha256}: it is another file; {way_out}")
    if is_stamped:
        _write(stamp, seen)


def checksum(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamps() -> Path:
    return Path(tempfile.gettempdir()) / f"attune-weights-{os.getuid()}"


def _read(stamp: Path) -> str | None:
    """Return what a stamp says, if nobody else can have written it."""
    try:
        parent = stamp.parent.lstat()
        if parent.st_uid != os.getuid() or parent.st_mode & 0o022:
            return None
        return stamp.read_text()
    except OSError:
        return None


def _write(stamp: Path, text: str) -> None:
    """Leave a stamp; where none can be left the file is hashed again next time."""
    try:
        stamp.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = stamp.with_suffix(f".{os.getpid()}")
        part.write_text(text)
        part.replace(stamp)
    except OSError:
        return
