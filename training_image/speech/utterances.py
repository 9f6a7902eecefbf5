"""An utterance: a stretch of speech in a recording, its samples kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_BYTES = 2
"""Scratch files hold headerless little-endian 16-bit mono PCM."""


@dataclass(frozen=True)
class Utterance:
    """A stretch of 1–20 s of speech with its margins of silence. Small and picklable."""

    audio_name: str
    """Name of the audio resource."""
    member: str | None
    """Path inside the archive; None for a plain recording."""
    start_s: float
    """Where it starts in the recording."""
    end_s: float
    path: Path
    """Scratch file with the PCM of its recording's utterances, one after the other."""
    rate_hz: int
    offset_frames: int
    """First sample of this utterance in the scratch file."""
    frames: int

    @property
    def duration_s(self) -> float:
        """Length of the audio that `samples` gives."""
        return self.frames / self.rate_hz

    @property
    def key(self) -> str:
        """Which utterance this is, alike in every run on the same audio and never used twice."""
        return f"{self.audio_name}\n{self.member or ''}\n{round(self.start_s * 1000)}"

    def samples(self) -> NDArray[np.float32]:
        """Read the audio: mono in -1…1 at `rate_hz`, shape (frames,).

        Raises:
            OSError: the scratch file cannot be read, or is shorter than it was.
        """
        pcm = np.fromfile(self.path, dtype="<i2", count=self.frames, offset=self.offset_frames * SAMPLE_BYTES)
        if len(pcm) != self.frames:
            raise OSError(f"scratch file {self.path} is too short")
        return pcm.astype(np.float32) / np.float32(32768)
