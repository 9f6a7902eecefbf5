"""Keeps logs from filling the disk: what is long is put aside, and a few of these are kept."""

from __future__ import annotations

import asyncio
import logging
import shutil
from pathlib import Path

_LOG = logging.getLogger(__name__)
MOST_BYTES = 16 * 1024**2
KEPT = 3
"""Of each log, beside the one that is being written."""
_LOOK_EVERY_S = 60.0


async def keep_rotating(folder: Path) -> None:
    """Look after a folder's logs until the task is cancelled."""
    while True:
        try:
            await asyncio.to_thread(rotate, folder)
        except OSError as error:
            _LOG.warning("the logs could not be rotated: %s", error)
        await asyncio.sleep(_LOOK_EVERY_S)


def rotate(folder: Path, most_bytes: int = MOST_BYTES, kept: int = KEPT) -> None:
    """Put each log that is too long aside, as `name.1.log` before `name.2.log`.

    The file itself stays, for processes have it open: it is copied and cut off. They append, so they go on at
    its beginning. A line that is written between the two is lost.

    Raises:
        OSError: the disk is full, or not writable.
    """
    for path in sorted(folder.glob("*.log")):
        if path.suffixes != [".log"] or path.stat().st_size <= most_bytes:
            continue
        for number in range(kept, 1, -1):
            older = _aside(path, number - 1)
            if older.exists():
                older.replace(_aside(path, number))
        shutil.copyfile(path, _aside(path, 1))
        with path.open("r+b") as file:
            file.truncate(0)


def _aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.{number}.log")
