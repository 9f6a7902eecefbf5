"""Freed memory goes back to the machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from training_image.container.freed_memory import give_memory_back

_SMALL, _PIECES = 60_000, 3_000


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the C library decides by itself")
def test_many_small_pieces_are_given_back() -> None:
    pieces = [bytearray(_SMALL) for _ in range(_PIECES)]
    kept = pieces[-1]  # at the top, so that what is below does not go by itself
    full_mb = _resident_mb()
    pieces.clear()
    give_memory_back()
    assert len(kept) == _SMALL
    assert _resident_mb() < full_mb - 0.8 * _SMALL * _PIECES / 1e6
