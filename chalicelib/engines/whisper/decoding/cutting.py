"""Where speech that is longer than a window is cut: at quiet places, so that no word is lost or doubled."""

from __future__ import annotations

import numpy as np

from chalicelib.engines.protocol import Samples
from chalicelib.engines.whisper.decoding.alignment import levels_db
from chalicelib.engines.whisper.mel import HOP, SAMPLE_RATE_HZ, Window

_EARLIEST_SHARE = 0.5
"""Of the longest piece: none is shorter, apart from the last."""
_QUIET_FRAMES = 25
"""A place is as quiet as the loudest of so many frames around it: longer than the closure of a stop."""


def most_samples(window: Window) -> int:
    """Return how much speech fits into one window."""
    return round(window.most_speech_s * SAMPLE_RATE_HZ)


def first_cut(samples: Samples, window: Window) -> int | None:
    """Return where the first piece of speech ends; None if all of it fits into one window.

    No more than what fits is looked at, so that speech is cut alike while it is being spoken.
    """
    most = most_samples(window)
    if len(samples) <= most:
        return None
    first = round(_EARLIEST_SHARE * most / HOP)
    levels = levels_db(samples[first * HOP : most])
    half = _QUIET_FRAMES // 2
    around = np.lib.stride_tricks.sliding_window_view(levels, _QUIET_FRAMES)
    # The mean beside the maximum decides between pauses that are equally free of sound.
    return (first + half + int(np.argmin(around.max(axis=1) + around.mean(axis=1)))) * HOP


def cut(samples: Samples, window: Window) -> list[tuple[int, int]]:
    """Return the first and last sample, exclusive, of each piece; they adjoin and fit into a window each."""
    pieces = []
    start = 0
    while (length := first_cut(samples[start:], window)) is not None:
        pieces.append((start, start + length))
        start += length
    return [*pieces, (start, len(samples))]
