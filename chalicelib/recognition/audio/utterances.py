"""Where audio is cut into utterances as it comes: at pauses, and after two minutes at a quiet place.

A file is cut by the same steps as a stream, so both get the same utterances.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from chalicelib.audio.speech.speech_activity import FRAME_S, Detection, Frames, SpeechActivity
from chalicelib.engines.protocol import Samples
from chalicelib.recognition.audio.recordings import DecodedRecording

LONGEST_S = 120.0
"""An utterance that goes on for longer is cut in two."""
MARGIN_S = 0.3
"""Of silence kept on both sides of speech, where there is as much: no word is to lose its first sound."""
SHORTEST_PAUSE_S = 0.1
"""Shorter silences are heard inside of words."""

_HASTE_FROM_S, _HASTE_TO_S = 100.0, 118.0
"""Between these lengths of an utterance the pause that ends it shrinks to the shortest."""
_QUIET_FRAMES = 7
"""A place is as quiet as the mean of so many frames around it: the closure of a stop and a word gap."""

Ending = Literal["silence", "reset", "end_of_data"]
"""A pause; a cut for length alone; the end of the audio. Watson's words."""


@dataclass(frozen=True)
class Cutting:
    """What separates utterances."""

    pause_s: float = 0.8
    """The silence that does, at least `SHORTEST_PAUSE_S`."""
    detection: Detection = field(default_factory=Detection)


@dataclass(frozen=True)
class UtteranceSpan:
    """Samples `start` up to, but not with, `end` of a recording."""

    start: int
    end: int
    ending: Ending = "silence"


@dataclass(frozen=True)
class UtterancePiece:
    """More of the present utterance: samples `start` up to, but not with, `end` of the stream."""

    start: int
    end: int
    ending: Ending | None
    """None: it goes on. Otherwise how it ended; such a piece may be empty."""


class UtteranceFinder:
    """Finds the utterances of a mono stream that comes in pieces of any size; the sizes change nothing.

    The pieces of an utterance adjoin. An utterance ends with a pause as soon as the pause is long enough.
    """

    def __init__(self, rate_hz: int, cutting: Cutting | None = None) -> None:
        cutting = cutting or Cutting()
        self._everything = cutting.detection.everything
        # Then speech is still told from pauses, but only to cut in these.
        self._activity = SpeechActivity(rate_hz, Detection() if self._everything else cutting.detection)
        self._cutter = UtteranceCutter(cutting.pause_s, everything=self._everything)
        self._rate_hz = rate_hz
        self._frame = round(FRAME_S * rate_hz)
        self._samples = 0

    @property
    def earliest_needed(self) -> int:
        """No piece that is still to come begins before this sample."""
        return min(self._cutter.earliest_needed * self._frame, self._samples)

    @property
    def silence_s(self) -> float:
        """How long nobody has spoken by now, for all that is known; 0 when everything counts as speech."""
        if self._everything:
            return 0.0
        return max(self._samples / self._rate_hz - self._cutter.speech_end * FRAME_S, 0.0)

    def feed(self, samples: Samples) -> list[UtterancePiece]:
        """Take the next samples, in -1…1, and return what belongs to utterances by now."""
        self._samples += len(samples)
        return self._pieces(self._cutter.add(self._activity.feed(samples)))

    def finish(self) -> list[UtterancePiece]:
        """Return the last pieces. Of no use afterwards."""
        pieces = self._cutter.add(self._activity.finish())
        return self._pieces([*pieces, *self._cutter.end()])

    def _pieces(self, of_frames: list[UtterancePiece]) -> list[UtterancePiece]:
        """Return pieces counted in samples; the last frame may not be whole."""
        return [
            UtterancePiece(
                min(piece.start * self._frame, self._samples),
                min(piece.end * self._frame, self._samples),
                piece.ending,
            )
            for piece in of_frames
        ]


def find(recording: DecodedRecording, cutting: Cutting) -> list[UtteranceSpan]:
    """Return the utterances of a recording, in order and without overlap; none when nobody speaks."""
    finder = UtteranceFinder(recording.rate_hz, cutting)
    ahead = (piece for block in recording.blocks() for piece in finder.feed(block))
    spans: list[UtteranceSpan] = []
    start: int | None = None
    for piece in itertools.chain(ahead, _at_the_end(finder)):
        start = piece.start if start is None else start
        if piece.ending is not None:
            if piece.end > start:
                spans.append(UtteranceSpan(start, piece.end, piece.ending))
            start = None
    return spans


def _at_the_end(finder: UtteranceFinder) -> Iterator[UtterancePiece]:
    yield from finder.finish()


class UtteranceCutter:
    """Makes utterances of judged frames; counts in frames."""

    def __init__(self, pause_s: float, *, everything: bool = False) -> None:
        """Take the pause that ends an utterance; `everything` leaves no audio between utterances."""
        self._pause_s = max(pause_s, SHORTEST_PAUSE_S)
        self._everything = everything
        self._frame = 0
        """How many were taken."""
        self._start: int | None = None
        """Of the utterance that is being spoken."""
        self._given = 0
        """Up to here frames were given out, or will never be."""
        self._spoken = False
        """There was speech in this utterance."""
        self._quietness: deque[float] = deque(maxlen=_frames(LONGEST_S - _HASTE_TO_S))
        self.speech_end = 0
        """Where the last speech ended."""

    @property
    def earliest_needed(self) -> int:
        """No piece that is still to come begins before this frame."""
        if self._start is not None or self._everything:
            return self._given
        return max(self._given, self._frame - _frames(MARGIN_S))

    def add(self, frames: Frames) -> list[UtterancePiece]:
        """Take the next frames and return what belongs to utterances by now."""
        if self._start is None and not self._everything and not frames.speech.any():
            self._frame += len(frames.speech)
            return []
        pieces: list[UtterancePiece] = []
        for speech, level_db in zip(frames.speech.tolist(), frames.levels_db.tolist(), strict=True):
            pieces += self._add_one(speech, level_db)
        if self._start is not None:
            pieces += self._give(self._safe(), None)
        return pieces

    def end(self) -> list[UtterancePiece]:
        """Return the rest of the last utterance."""
        if self._start is None:
            return []
        return self._give(self._frame if self._everything else self._end(), "end_of_data")

    def _add_one(self, speech: bool, level_db: float) -> list[UtterancePiece]:
        if self._start is None:
            if not speech and not self._everything:
                self._frame += 1
                return []
            reach = self._frame if self._everything else _frames(MARGIN_S)
            self._start = self._given = max(self._given, self._frame - reach)
            self._spoken = False
        self._frame += 1
        self._quietness.append(level_db)
        if speech:
            self._spoken = True
            self.speech_end = self._frame
        elif self._spoken and self._frame - self.speech_end >= _frames(self._needed_pause_s()):
            short = self._needed_pause_s() < self._pause_s
            return self._give(self._end(), "reset" if short else "silence")
        if self._frame - self._start < _frames(LONGEST_S):
            return []
        return self._give(max(self._quietest(), self._given), "reset")

    def _needed_pause_s(self) -> float:
        """Return the pause that ends an utterance of the present length."""
        assert self._start is not None
        length_s = (self._frame - self._start) * FRAME_S
        share = min(max((length_s - _HASTE_FROM_S) / (_HASTE_TO_S - _HASTE_FROM_S), 0.0), 1.0)
        return min(self._pause_s, self._pause_s + share * (SHORTEST_PAUSE_S - self._pause_s))

    def _safe(self) -> int:
        """Return up to where frames belong to the utterance whatever comes: perhaps a cut for its length."""
        assert self._start is not None
        return max(self._given, min(self._end(), self._start + _frames(_HASTE_TO_S)))

    def _end(self) -> int:
        """Return up to where frames belong to the utterance if it is over."""
        margin = _frames(min(MARGIN_S, self._needed_pause_s() / 2))
        end = self.speech_end + margin if self._spoken else self._frame
        return max(self._given, min(end, self._frame))

    def _quietest(self) -> int:
        power = 10 ** (np.array(self._quietness) / 10)
        smoothed = np.convolve(power, np.ones(_QUIET_FRAMES), mode="valid")
        return self._frame - len(power) + int(smoothed.argmin()) + _QUIET_FRAMES // 2

    def _give(self, end: int, ending: Ending | None) -> list[UtterancePiece]:
        if end == self._given and ending is None:
            return []
        piece = UtterancePiece(self._given, end, ending)
        self._given = end
        if ending is not None:
            self._start = None
            self._quietness.clear()
            if ending == "reset" and self.speech_end > end:
                # Speech goes on behind the cut.
                self._start, self._spoken = end, True
        return [piece]


def _frames(duration_s: float) -> int:
    return math.ceil(round(duration_s / FRAME_S, 6))
