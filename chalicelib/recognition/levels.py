"""Where a recording is as quiet as its own background, whatever that sounds like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chalicelib.recognition.recordings import Recording

FRAME_S = 0.02

_BLOCK_FRAMES = 1000
"""Background and speech are measured in blocks of 20 s, each with its neighbours."""
_BACKGROUND_PERCENTILE = 5.0
_SPEECH_PERCENTILE = 98.0
"""A second of speech in a minute is enough to know its level."""
_LEAST_RANGE_DB = 15.0
"""With less between background and speech, level tells nothing and no frame counts as quiet."""
_MOST_RANGE_DB = 60.0
"""Digital silence is no quieter than this below speech: it says nothing about the real background."""
_QUIET_SHARE = 0.25
_MOST_QUIET_DB = 8.0
"""A frame is quiet up to a quarter of the range above the background, but not more than this."""


def quiet_frames(recording: Recording) -> NDArray[np.bool_]:
    """Return for each frame of 20 ms whether it is as quiet as the background around it.

    Shape (frames,); a last frame that is not whole is left out. A speech detector may take the hiss of a
    line for speech; beside real speech the difference in level is plain.
    """
    levels_db = _levels_db(recording)
    quiet = np.zeros(len(levels_db), np.bool_)
    for start in range(0, len(levels_db), _BLOCK_FRAMES):
        end = start + _BLOCK_FRAMES
        around = levels_db[max(start - _BLOCK_FRAMES, 0) : end + _BLOCK_FRAMES]
        background_db, speech_db = np.percentile(around, [_BACKGROUND_PERCENTILE, _SPEECH_PERCENTILE])
        background_db = max(background_db, speech_db - _MOST_RANGE_DB)
        range_db = speech_db - background_db
        if range_db >= _LEAST_RANGE_DB:
            above_db = min(_QUIET_SHARE * range_db, _MOST_QUIET_DB)
            quiet[start:end] = levels_db[start:end] < background_db + above_db
    return quiet


def _levels_db(recording: Recording) -> NDArray[np.float64]:
    frame = round(FRAME_S * recording.rate_hz)
    frames = len(recording.pcm) // frame
    levels_db = np.empty(frames)
    for start in range(0, frames, _BLOCK_FRAMES):
        end = min(start + _BLOCK_FRAMES, frames)
        samples = recording.samples(start * frame, end * frame).reshape(-1, frame).astype(np.float64)
        levels_db[start:end] = 10 * np.log10(samples.var(axis=1) + 1e-12)
    return levels_db
