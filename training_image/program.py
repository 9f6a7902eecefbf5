"""Which program this is: work saved by another one is not taken up."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

_HOME = Path(__file__).resolve().parent.parent
_PARTS = ("training_image", "chalicelib/audio", "chalicelib/engines", "chalicelib/language")
_LIBRARIES = ("numpy", "soundfile", "soxr", "av")


def program_digest(engine_libraries: Iterable[str]) -> str:
    """Return a digest of all source files and data that decide what a job computes, and of its libraries.

    Args:
        engine_libraries: distributions that the engine computes with, beside those that every job uses.
    """
    digest = hashlib.sha256()
    for file in sorted(path for part in _PARTS for path in (_HOME / part).rglob("*") if path.is_file()):
        if "__pycache__" not in file.parts:
            digest.update(
                f"{file.relative_to(_HOME)}\n".encode() + hashlib.sha256(file.read_bytes()).digest()
            )
    for library in (*_LIBRARIES, *sorted(engine_libraries)):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # an engine's that is not there
            digest.update(f"{library} {importlib.metadata.version(library)}\n".encode())
    return digest.hexdigest()
