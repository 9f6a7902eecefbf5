"""What a resumed job needs: named sets of arrays on disk, whole or not there."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from training_image.arrays import read_npz, write_npz

_MAGIC = b"ATTUNE\x00\x01"
_DIGEST_BYTES = hashlib.sha256().digest_size
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SUFFIX = ".ckpt"
_PARTIAL = ".partial"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """Sets of arrays that outlive a killed job. Picklable; processes may save side by side.

    A file is magic, SHA-256 of the rest, SHA-256 of the owner, npz. What is damaged, cut short or saved for
    another owner reads as None, so that the work is done anew.
    """

    folder: Path
    owner: str
    """What the arrays were computed from (plan and base version); others' files do not count."""
    writes: bool = True
    """Whether this process saves; of several on one job one does."""

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """Return what was saved under this name, or None when there is nothing to rely on."""
        try:
            content = self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("the checkpoint %s cannot be read, and its part starts over: %s", name, error)
            return None
        head = len(_MAGIC) + _DIGEST_BYTES
        if content[: len(_MAGIC)] != _MAGIC or content[len(_MAGIC) : head] != _digest(content[head:]):
            _log.warning("the checkpoint %s is damaged, and its part starts over", name)
            return None
        if content[head : head + _DIGEST_BYTES] != _digest(self.owner.encode()):
            _log.warning("the checkpoint %s is of another job or program, and its part starts over", name)
            return None
        return read_npz(io.BytesIO(content[head + _DIGEST_BYTES :]))

    def save(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Save arrays under this name: after a kill at any moment either the old or the new ones are there.

        Raises:
            ValueError: the name is not letters, digits, `.`, `_`, `-`, or an array holds Python objects.
            OSError: the disk is full or not writable.
        """
        if not self.writes:
            return
        body = io.BytesIO()
        write_npz(body, arrays)
        rest = _digest(self.owner.encode()) + body.getvalue()
        write_atomically(self._path(name), _MAGIC + _digest(rest) + rest)

    def clear_partial(self) -> None:
        """Remove what a killed job was about to write."""
        for path in self.folder.glob(f"*{_PARTIAL}"):
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a checkpoint name: {name!r}")
        return self.folder / f"{name}{_SUFFIX}"


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file so that a kill leaves it as before or complete; a power cut as well if `durable`.

    Raises:
        OSError: the disk is full or not writable; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=_PARTIAL)
    try:
        os.fchmod(descriptor, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    if not durable:
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
