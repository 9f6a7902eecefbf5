"""Where somebody speaks in a recording: WebRTC's detector behind a gain and a test for steady sounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
import webrtcvad  # type: ignore[import-untyped]
from numpy.typing import NDArray

from chalicelib.audio.silence import is_digital_silence
from chalicelib.audio.stream import Samples

FRAME_S = 0.02
"""Speech starts and ends on this grid."""

_DIRECT_RATES_HZ = (8000, 16000)
_OTHERWISE_HZ = 8000
_CHUNK_FRAMES = 1000
"""Twenty seconds are judged together: what is kept in memory, and how late an answer may come."""

# WebRTC's detector hears less in quiet recordings: the loud frames of each chunk are brought to this level.
_WANTED_RMS = 0.1
_MAX_GAIN = 30.0
_GAIN_MEMORY = 0.7

# It also takes loud steady noise, hum and tones for speech. Speech rises and falls: a frame counts when it is
# this much above the quietest moment around it, and a stretch when one of its frames is clearly above.
_FLOOR_FRAMES = 75
_FRAME_RISE_DB = 3.0
_STRETCH_RISE_DB = 8.0
_SILENCE_POWER = 1e-11

_STILL_FRAMES = 100
"""After so many frames of digital silence WebRTC's detector has come to rest: more of it changes nothing."""
_MIN_SPEECH_FRAMES = 4
"""What is shorter is a click."""


@dataclass(frozen=True)
class Stretch:
    """Speech from here to there, in seconds from the start of the recording."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Its length."""
        return self.end_s - self.start_s


def find_speech(
    samples: Samples,
    rate_hz: int,
    *,
    min_silence_s: float = 0.3,
    padding_s: float = 0.0,
    aggressiveness: int = 2,
) -> list[Stretch]:
    """Find the stretches of speech in a mono signal, in order and without overlap.

    Args:
        samples: mono in -1…1, shape (n,).
        rate_hz: of the samples.
        min_silence_s: a shorter silence does not end a stretch.
        padding_s: silence added on both sides, at most to the middle of the pause.
        aggressiveness: 0 (misses little) … 3 (takes little else for speech).
    """
    detector = SpeechDetector(
        rate_hz, min_silence_s=min_silence_s, padding_s=padding_s, aggressiveness=aggressiveness
    )
    return [*detector.feed(samples), *detector.finish()]


class SpeechDetector:
    """`find_speech` for a signal that comes in pieces of any size; the sizes do not change what is found."""

    def __init__(
        self, rate_hz: int, *, min_silence_s: float = 0.3, padding_s: float = 0.0, aggressiveness: int = 2
    ) -> None:
        self._rate_hz = rate_hz if rate_hz in _DIRECT_RATES_HZ else _OTHERWISE_HZ
        self._resampler = (
            None
            if rate_hz == self._rate_hz
            else soxr.ResampleStream(rate_hz, self._rate_hz, 1, dtype="float32", quality="LQ")
        )
        self._frames = _SpeechFrames(self._rate_hz, aggressiveness)
        self._stretches = _Stretches(min_silence_s, padding_s)
        self._chunk = _CHUNK_FRAMES * round(self._rate_hz * FRAME_S)
        self._pending: list[Samples] = []
        self._pending_samples = 0
        self._samples = 0
        self._in_rate_hz = rate_hz

    def feed(self, samples: Samples) -> list[Stretch]:
        """Take the next samples and return the stretches that have ended by now."""
        self._samples += len(samples)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(np.ascontiguousarray(samples, np.float32))
        return self._take(samples)

    def finish(self) -> list[Stretch]:
        """Return the last stretches. The detector is of no use afterwards."""
        found = []
        if self._resampler is not None:
            found += self._take(self._resampler.resample_chunk(np.empty(0, np.float32), last=True))
        rest = np.concatenate(self._pending) if self._pending else np.empty(0, np.float32)
        found += self._stretches.add(*self._frames.judge(rest))
        found += self._stretches.end(self._samples / self._in_rate_hz)
        return found

    def _take(self, samples: Samples) -> list[Stretch]:
        found: list[Stretch] = []
        start = 0
        while len(samples) - start >= self._chunk - self._pending_samples:
            end = start + self._chunk - self._pending_samples
            chunk = np.concatenate([*self._pending, samples[start:end]])
            found += self._stretches.add(*self._frames.judge(chunk))
            self._pending, self._pending_samples, start = [], 0, end
        if start < len(samples):
            # A copy: the caller may reuse its block.
            self._pending.append(samples[start:].copy())
            self._pending_samples += len(samples) - start
        return found


class _SpeechFrames:
    """Judges chunks of samples frame by frame."""

    def __init__(self, rate_hz: int, aggressiveness: int) -> None:
        self._vad = webrtcvad.Vad(aggressiveness)
        self._rate_hz = rate_hz
        self._frame = round(rate_hz * FRAME_S)
        self._level = 0.0
        self._before: NDArray[np.float64] = np.empty(0)
        self._still = 0
        """Frames of digital silence since the last other one."""

    def judge(self, samples: Samples) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return whether each frame is speech, and how far it rises above the quietest one around, in dB.

        A last frame that is not whole is filled with silence.
        """
        rest = -len(samples) % self._frame
        frames = (np.pad(samples, (0, rest)) if rest else samples).reshape(-1, self._frame)
        if not len(frames):
            return np.empty(0, np.bool_), np.empty(0)
        is_silent = is_digital_silence(frames)
        if is_silent and self._still >= _STILL_FRAMES:
            return self._judge_silence(len(frames))
        self._still = self._still + len(frames) if is_silent else 0
        # Without each frame's mean: slow rumble wavers in level like speech.
        means = frames.mean(axis=1, dtype=np.float64)
        power = np.maximum(np.einsum("ij,ij->i", frames, frames) / self._frame - means**2, 0.0)
        rise = self._rise_db(power)
        return self._heard(frames, power) & (rise >= _FRAME_RISE_DB) & (power > _SILENCE_POWER), rise

    def _judge_silence(self, frames: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Judge frames of digital silence behind others: none is speech, and nothing around is quieter."""
        self._level *= _GAIN_MEMORY
        quietest = np.full(min(frames, _FLOOR_FRAMES), 10 * np.log10(_SILENCE_POWER))
        self._before = np.concatenate([self._before, quietest])[-_FLOOR_FRAMES:]
        return np.zeros(frames, np.bool_), np.zeros(frames)

    def _heard(self, frames: Samples, power: NDArray[np.float64]) -> NDArray[np.bool_]:
        self._level = max(float(np.sqrt(np.quantile(power, 0.95))), self._level * _GAIN_MEMORY)
        gain = min(max(_WANTED_RMS / max(self._level, 1e-9), 1.0), _MAX_GAIN)
        scaled = frames * np.float32(gain * 32767)
        pcm = np.clip(scaled, -32768, 32767, out=scaled).astype("<i2").tobytes()
        is_speech, rate_hz, length, step = self._vad.is_speech, self._rate_hz, self._frame, self._frame * 2
        return np.array([is_speech(pcm[at : at + step], rate_hz, length) for at in range(0, len(pcm), step)])

    def _rise_db(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        level_db = 10 * np.log10(power + _SILENCE_POWER)
        around = np.concatenate([self._before, level_db])
        self._before = level_db[-_FLOOR_FRAMES:]
        padded = np.pad(around, _FLOOR_FRAMES, constant_values=np.inf)
        floor = np.lib.stride_tricks.sliding_window_view(padded, 2 * _FLOOR_FRAMES + 1).min(axis=1)
        return np.asarray(level_db - floor[len(around) - len(level_db) :])


class _Stretches:
    """Makes stretches of frames: bridges short silences, drops clicks and steady sounds, adds padding."""

    def __init__(self, min_silence_s: float, padding_s: float) -> None:
        self._min_silence = max(1, round(min_silence_s / FRAME_S))
        self._padding = round(padding_s / FRAME_S)
        self._frame = 0
        self._open: _Open | None = None
        self._closed: _Open | None = None
        """The last stretch, whose padding depends on where the next one starts."""
        self._earliest = 0

    def add(self, speech: NDArray[np.bool_], rise_db: NDArray[np.float64]) -> list[Stretch]:
        found = []
        edges = np.flatnonzero(np.diff(speech, prepend=False, append=False))
        for start, end in edges.reshape(-1, 2).tolist():
            rise = float(rise_db[start:end].max())
            found += self._add_run(self._frame + start, self._frame + end, rise)
        self._frame += len(speech)
        if self._open is not None and self._frame - self._open.end >= self._min_silence:
            found += self._close()
        if self._closed is not None and self._frame - self._closed.end > 2 * self._padding:
            found += self._emit(self._frame)
        return found

    def end(self, duration_s: float) -> list[Stretch]:
        found = self._close()
        # Twice the padding away: the last stretch gets its own in full, within the recording.
        found += self._emit(self._frame + 2 * self._padding)
        return [
            Stretch(stretch.start_s, min(stretch.end_s, duration_s))
            for stretch in found
            if stretch.start_s < duration_s
        ]

    def _add_run(self, start: int, end: int, rise_db: float) -> list[Stretch]:
        if self._open is not None and start - self._open.end < self._min_silence:
            self._open = _Open(
                self._open.start, end, self._open.speech + end - start, max(self._open.rise_db, rise_db)
            )
            return []
        found = self._close()
        self._open = _Open(start, end, end - start, rise_db)
        return found

    def _close(self) -> list[Stretch]:
        stretch, self._open = self._open, None
        if stretch is None or stretch.speech < _MIN_SPEECH_FRAMES or stretch.rise_db < _STRETCH_RISE_DB:
            return []
        found = self._emit(stretch.start)
        self._closed = stretch
        return found

    def _emit(self, next_start: int) -> list[Stretch]:
        stretch, self._closed = self._closed, None
        if stretch is None:
            return []
        start = max(stretch.start - self._padding, self._earliest)
        end = min(stretch.end + self._padding, (stretch.end + next_start) // 2)
        self._earliest = end
        return [Stretch(start * FRAME_S, end * FRAME_S)]


@dataclass(frozen=True)
class _Open:
    start: int
    end: int
    speech: int
    """Frames of it that are speech."""
    rise_db: float
