"""Where speech that is longer than a window is cut: at quiet places, so that no word is lost or doubled."""

from __future__ import annotations

import numpy as np

from chalicelib.engines.protocol import Samples
from chalicelib.engines.whisper.alignment import levels_db
from chalicelib.engines.whisper.decoding import LONGEST_S
from chalicelib.engines.whisper.mel import FRAMES_PER_S, HOP, SAMPLE_RATE_HZ

_EARLIEST_S = 14.0
"""No piece is shorter, apart from the last."""
_QUIET_FRAMES = 25
"""A place is as quiet as the loudest of so many frames around it: longer than the closure of a stop."""
LONGEST_SAMPLES = round(LONGEST_S * SAMPLE_RATE_HZ)


def first_cut(samples: Samples) -> int | None:
    """Return where the first piece of speech ends; None if all of it fits into one window.

    Only the first 28 seconds are looked at, so that speech is cut alike while it is being spoken.
    """
    if len(samples) <= LONGEST_SAMPLES:
        return None
    first = round(_EARLIEST_S * FRAMES_PER_S)
    levels = levels_db(samples[first * HOP : LONGEST_SAMPLES])
    half = _QUIET_FRAMES // 2
    around = np.lib.stride_tricks.sliding_window_view(levels, _QUIET_FRAMES)
    # The mean beside the maximum decides between pauses that are equally free of sound.
    return (first + half + int(np.argmin(around.max(axis=1) + around.mean(axis=1)))) * HOP


def cut(samples: Samples) -> list[tuple[int, int]]:
    """Return the first and last sample, exclusive, of each piece; they adjoin, and none is over 28 s."""
    pieces = []
    start = 0
    while (length := first_cut(samples[start:])) is not None:
        pieces.append((start, start + length))
        start += length
    return [*pieces, (start, len(samples))]
