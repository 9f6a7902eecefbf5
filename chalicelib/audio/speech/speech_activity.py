"""Speech or not, frame by frame as the audio comes: WebRTC's detector, levels, and what the user wants.

An answer depends on the past, on the first second of the stream, and at the beginning of a sound on what
becomes of it; so a stream gets the same answers as a file, and the end of speech is noticed at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import webrtcvad  # type: ignore[import-untyped]
from numpy.typing import NDArray

from chalicelib.audio.silence import is_digital_silence
from chalicelib.audio.stream import Samples

FRAME_S = 0.02
"""Speech starts and ends on this grid."""
RATES_HZ = (8000, 16000)
"""What WebRTC's detector takes."""

Levels = NDArray[np.float64]

_WARM_UP_FRAMES = 50
"""The first second is judged as one: nothing is known before."""
_MODES = (3, 2, 1, 0)
"""WebRTC's, from the one that takes least for speech. Each here includes those before it."""

# WebRTC's detector hears less in quiet recordings: what is loud in them is brought to this level.
_WANTED_DB = -20.0
_MAX_GAIN_DB = 29.5

# It also takes loud steady noise, hum and tones for speech. Speech rises above its quietest moments.
_FLOOR_FRAMES = 150
_SILENCE_DB = -110.0

_HISTOGRAM_EVERY_FRAMES = 10
_BACKGROUND_PERCENTILE, _LOUD_PERCENTILE = 0.05, 0.98
"""A second of speech in a minute is enough to know its level."""
_LEVELS_FORGOTTEN_S, _FOREGROUND_FORGOTTEN_S = 60.0, 600.0
_LEAST_RANGE_DB = 15.0
"""With less between background and speech, level tells nothing and no frame counts as quiet."""
_MOST_RANGE_DB = 50.0
"""Digital silence is no quieter than this below speech: it says nothing about the real background."""

_GAP_FRAMES = 15
"""A longer silence separates two sounds; what is speech is said of a sound as a whole."""
_PENDING_FRAMES = 150
"""A sound that has not shown by then that it is speech is none, so far."""
_LEAST_FRAMES = 4
"""What is shorter is a click."""
_SUPPRESSION_RANGE_DB = 30.0

_STILL_FRAMES = 100
"""After so many frames of digital silence WebRTC's detector has come to rest: more of it changes nothing."""


@dataclass(frozen=True)
class Detection:
    """What counts as speech; names, ranges and defaults are Watson's."""

    sensitivity: float = 0.5
    """0: nothing is speech … 1: nothing is held back. More sensitivity never means less speech."""
    suppression: float = 0.0
    """0: background talk counts as speech … 1: nothing does. More suppression never means more speech."""

    @property
    def nothing(self) -> bool:
        """No sound is speech."""
        return self.sensitivity <= 0 or self.suppression >= 1

    @property
    def everything(self) -> bool:
        """The detector is off."""
        return self.sensitivity >= 1 and self.suppression <= 0


@dataclass(frozen=True)
class _Thresholds:
    """All of them fall, or stay, as sensitivity grows."""

    mode: int | None
    """The WebRTC mode whose word is enough; None: no word is needed."""
    frame_rise_db: float
    """Above the floor, for a frame to be speech."""
    sound_rise_db: float
    """Above the floor, for one frame of a sound."""
    quiet_share: float
    most_quiet_db: float
    """A frame is quiet up to this share of the range above the background, but not more than so many dB."""

    @classmethod
    def of(cls, sensitivity: float) -> _Thresholds:
        less, more = max(0.5 - sensitivity, 0.0) * 2, max(sensitivity - 0.5, 0.0) * 2
        mode = 3 if less > 0.3 else 2 if more < 0.3 else 1 if more < 0.6 else 0 if more < 0.9 else None
        return cls(
            mode=mode,
            frame_rise_db=3.0 * (1 - more) + 12.0 * less,
            sound_rise_db=8.0 * (1 - more) + 16.0 * less,
            quiet_share=0.25 * (1 - more) + 0.75 * less,
            most_quiet_db=8.0 * (1 - more) + 32.0 * less,
        )


@dataclass(frozen=True)
class Frames:
    """Judged frames, in order, shape (n,) each."""

    speech: NDArray[np.bool_]
    levels_db: Levels
    """Below full scale, without what is constant in a frame."""


_NO_FRAMES = Frames(np.empty(0, np.bool_), np.empty(0))


class SpeechActivity:
    """Judges a mono stream that comes in pieces of any size; the sizes do not change what is found.

    A frame's answer comes with its last sample, except in the first second, which is judged when it is
    whole, and while it is open whether a sound is speech: for three seconds at most, but only before speech.
    """

    def __init__(self, rate_hz: int, detection: Detection | None = None) -> None:
        if rate_hz not in RATES_HZ:
            raise ValueError(f"speech is detected at 8000 and 16000 Hz, not at {rate_hz}")
        self._frame = round(rate_hz * FRAME_S)
        self._measure = _Measure(rate_hz, detection or Detection())
        self._sounds = _Sounds()
        self._rest: Samples = np.empty(0, np.float32)
        self._warm = False

    def feed(self, samples: Samples) -> Frames:
        """Take the next samples, in -1…1, and return the frames that can be judged by now."""
        self._rest = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        whole = len(self._rest) // self._frame
        if whole < (1 if self._warm else _WARM_UP_FRAMES):
            self._rest = self._rest.copy()  # the caller may reuse its block
            return _NO_FRAMES
        now, self._rest = np.split(self._rest, [whole * self._frame])
        self._rest = self._rest.copy()
        return self._judge(now)

    def finish(self) -> Frames:
        """Return the last frames; one that is not whole is filled with silence. Of no use afterwards."""
        rest = np.pad(self._rest, (0, -len(self._rest) % self._frame))
        last = self._judge(rest) if len(rest) else _NO_FRAMES
        ending = self._sounds.end()
        return Frames(
            np.concatenate([last.speech, ending.speech]), np.concatenate([last.levels_db, ending.levels_db])
        )

    def _judge(self, samples: Samples) -> Frames:
        self._warm = True
        return self._sounds.add(*self._measure.judge(samples.reshape(-1, self._frame)))


class _Measure:
    """What can be said of a frame at once: whether it may be speech, and whether it shows its sound to be."""

    def __init__(self, rate_hz: int, detection: Detection) -> None:
        self._rate_hz = rate_hz
        self._detection = detection
        self._thresholds = _Thresholds.of(detection.sensitivity)
        wanted = self._thresholds.mode
        self._detectors = [
            webrtcvad.Vad(mode) for mode in (_MODES if wanted is not None else ()) if mode >= (wanted or 0)
        ]
        self._statistics: _Statistics | None = None
        self._before: Levels = np.empty(0)
        self._still = 0
        """Frames of digital silence since the last other one."""

    def judge(self, frames: Samples) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Levels]:
        """Take samples of shape (n, frame) and return candidates, proofs and levels, shape (n,) each."""
        is_silent = is_digital_silence(frames)
        if is_silent and self._still >= _STILL_FRAMES and self._statistics is not None:
            return self._judge_silence(self._statistics, len(frames))
        self._still = self._still + len(frames) if is_silent else 0
        # Without each frame's mean: slow rumble wavers in level like speech.
        power = frames.var(axis=1, dtype=np.float64)
        levels_db = np.maximum(10 * np.log10(power + 1e-12), _SILENCE_DB)
        if self._statistics is None:
            first = levels_db[:_WARM_UP_FRAMES]
            self._statistics, self._before = _Statistics(first), first
        around = np.concatenate([self._before, levels_db])
        padded = np.pad(around, (_FLOOR_FRAMES, 0), constant_values=np.inf)
        floors = np.lib.stride_tricks.sliding_window_view(padded, _FLOOR_FRAMES + 1).min(axis=1)
        self._before = around[-_FLOOR_FRAMES:]
        statistics = self._statistics.follow(levels_db)
        rise_db = levels_db - np.maximum(floors[-len(levels_db) :], statistics.loud_db - _MOST_RANGE_DB)
        if self._detection.nothing:
            nothing = np.zeros(len(levels_db), np.bool_)
            return nothing, nothing, levels_db
        wanted = self._thresholds
        candidates = (rise_db >= wanted.frame_rise_db) & (levels_db > _SILENCE_DB)
        candidates &= ~self._quiet(levels_db, statistics) & self._heard(frames, statistics)
        proofs = candidates & (rise_db >= wanted.sound_rise_db)
        if self._detection.suppression > 0:
            range_db = _SUPPRESSION_RANGE_DB * (1 - self._detection.suppression)
            proofs &= levels_db >= statistics.foreground_db - range_db
        return candidates, proofs, levels_db

    def _judge_silence(
        self, statistics: _Statistics, frames: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Levels]:
        """Judge frames of digital silence behind others: no sound is in them, whatever was before."""
        statistics.follow_silence(frames)
        levels_db = np.full(frames, _SILENCE_DB)
        self._before = np.concatenate([self._before, levels_db[:_FLOOR_FRAMES]])[-_FLOOR_FRAMES:]
        nothing = np.zeros(frames, np.bool_)
        return nothing, nothing, levels_db

    def _quiet(self, levels_db: Levels, statistics: _Following) -> NDArray[np.bool_]:
        """A speech detector may take the hiss of a line for speech; beside real speech the level tells."""
        background_db = np.maximum(statistics.background_db, statistics.loud_db - _MOST_RANGE_DB)
        range_db = statistics.loud_db - background_db
        above_db = np.minimum(self._thresholds.quiet_share * range_db, self._thresholds.most_quiet_db)
        quiet: NDArray[np.bool_] = (range_db >= _LEAST_RANGE_DB) & (levels_db < background_db + above_db)
        return quiet

    def _heard(self, frames: Samples, statistics: _Following) -> NDArray[np.bool_]:
        if not self._detectors:
            return np.ones(len(frames), np.bool_)
        gain_db = np.clip(_WANTED_DB - statistics.loud_db, 0.0, _MAX_GAIN_DB)
        scaled = frames * (32767 * 10 ** (gain_db / 20)).astype(np.float32)[:, None]
        pcm = np.clip(scaled, -32768, 32767, out=scaled).astype("<i2").tobytes()
        length = frames.shape[1]
        places = range(0, len(pcm), 2 * length)
        heard = np.zeros(len(frames), np.bool_)
        for detector in self._detectors:
            is_speech, rate_hz = detector.is_speech, self._rate_hz
            heard |= [is_speech(pcm[at : at + 2 * length], rate_hz, length) for at in places]
        return heard


@dataclass(frozen=True)
class _Following:
    """What was known of the recording's levels at each frame, shape (n,) each."""

    background_db: Levels
    loud_db: Levels
    foreground_db: Levels
    """As `loud_db`, of the last ten minutes instead of the last."""


class _Statistics:
    """Follows the levels of a stream in histograms with steps of 1 dB that forget."""

    def __init__(self, first_levels_db: Levels) -> None:
        self._counts = np.zeros((2, round(-_SILENCE_DB) + 1))
        self._frame = 0
        step_s = _HISTOGRAM_EVERY_FRAMES * FRAME_S
        self._kept = np.exp([[-step_s / _LEVELS_FORGOTTEN_S], [-step_s / _FOREGROUND_FORGOTTEN_S]])
        self._waiting: list[float] = []
        self._primed = len(first_levels_db)
        self._count(first_levels_db)
        self._now = self._percentiles()

    def follow(self, levels_db: Levels) -> _Following:
        rows = np.empty((len(levels_db), 3))
        for row, level_db in enumerate(levels_db.tolist()):
            if self._frame >= self._primed:
                self._waiting.append(level_db)
            self._frame += 1
            if len(self._waiting) == _HISTOGRAM_EVERY_FRAMES:
                self._counts *= self._kept
                self._count(np.array(self._waiting))
                self._waiting = []
                self._now = self._percentiles()
            rows[row] = self._now
        return _Following(rows[:, 0], rows[:, 1], rows[:, 2])

    def follow_silence(self, frames: int) -> None:
        """Follow so many frames of digital silence at once; the same as one by one."""
        self._frame += frames
        steps, rest = divmod(len(self._waiting) + frames, _HISTOGRAM_EVERY_FRAMES)
        if not steps:
            self._waiting += [_SILENCE_DB] * frames
            return
        first = [*self._waiting, *[_SILENCE_DB] * _HISTOGRAM_EVERY_FRAMES][:_HISTOGRAM_EVERY_FRAMES]
        self._counts *= self._kept
        self._count(np.array(first))
        # A geometric series: each step keeps a share of all counts and adds frames to the lowest one.
        kept = self._kept ** (steps - 1)
        self._counts *= kept
        self._counts[:, :1] += _HISTOGRAM_EVERY_FRAMES * (1 - kept) / (1 - self._kept)
        self._waiting = [_SILENCE_DB] * rest
        self._now = self._percentiles()

    def _count(self, levels_db: Levels) -> None:
        bins = np.rint(np.minimum(levels_db, 0.0) - _SILENCE_DB).astype(np.intp)
        self._counts += np.bincount(bins, minlength=self._counts.shape[1])

    def _percentiles(self) -> tuple[float, float, float]:
        below = np.cumsum(self._counts, axis=1)
        total = below[:, -1:]
        background = int(np.argmax(below[0] >= _BACKGROUND_PERCENTILE * total[0]))
        loud, foreground = np.argmax(below >= _LOUD_PERCENTILE * total, axis=1).tolist()
        return background + _SILENCE_DB, loud + _SILENCE_DB, foreground + _SILENCE_DB


class _Sounds:
    """Decides of each sound, candidates without a long gap, whether it is speech."""

    def __init__(self) -> None:
        self._confirmed = False
        self._proved = False
        self._candidates = 0
        self._gap = 0
        self._pending: list[bool] = []
        """Candidates and gaps of the sound that is not confirmed yet."""
        self._levels_db: list[float] = []
        """Of frames that are not given out."""

    def add(self, candidates: NDArray[np.bool_], proofs: NDArray[np.bool_], levels_db: Levels) -> Frames:
        if not self._candidates and not candidates.any():
            self._gap += len(candidates)
            return Frames(candidates, levels_db)
        decided: list[bool] = []
        for candidate, proof in zip(candidates.tolist(), proofs.tolist(), strict=True):
            if candidate:
                self._candidates += 1
                self._proved |= proof
                self._gap = 0
            else:
                self._gap += 1
            if self._confirmed:
                decided.append(candidate)
                if self._gap >= _GAP_FRAMES:
                    self._forget()
                continue
            if not self._candidates:
                decided.append(False)
                continue
            self._pending.append(candidate)
            if self._proved and self._candidates >= _LEAST_FRAMES:
                decided += self._pending
                self._pending = []
                self._confirmed = True
            elif self._gap >= _GAP_FRAMES:
                decided += [False] * len(self._pending)
                self._forget()
            elif len(self._pending) > _PENDING_FRAMES:
                decided.append(False)
                del self._pending[0]
        self._levels_db += levels_db.tolist()
        return self._give(decided)

    def end(self) -> Frames:
        return self._give([False] * len(self._pending))

    def _forget(self) -> None:
        self._confirmed = self._proved = False
        self._candidates = self._gap = 0
        self._pending = []

    def _give(self, decided: list[bool]) -> Frames:
        levels_db = np.array(self._levels_db[: len(decided)])
        del self._levels_db[: len(decided)]
        return Frames(np.array(decided, np.bool_), levels_db)
