"""What a student is taught: speech with its text, joined into windows and batches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.whisper.mel import FRAMES_PER_S, HOP, LONGEST_S, SAMPLE_RATE_HZ, Window

Samples = NDArray[np.float32]
SILENCE_WEIGHT = 4.0
"""A window without speech counts as a word of so many tokens."""

_FILLS = (0.3, 0.5, 0.7, 0.9)
"""Shares of the longest window that windows are filled up to: short and full ones are both seen."""
_MOST_PAUSE_S = 0.3
"""Between two utterances of a window."""
_MOST_TOKENS = 200
"""Of a window's text; the decoder has room for 224."""
_FRAMES_STEP = 50
"""Lengths are multiples of this: libraries keep something for every length that they have met."""
_MOST_ZEROS_S = 0.7
"""Behind the speech of a batch's longest window, beyond what the recogniser puts there."""


class SpeechAudio(Protocol):
    """Speech on disk or in memory, at 16 kHz."""

    @property
    def duration_s(self) -> float:
        """Length of what `samples` gives."""
        ...

    def samples(self) -> Samples:
        """Return mono samples in -1…1."""
        ...


@dataclass(frozen=True)
class AudioClip:
    """Audio in memory."""

    content: Samples

    @property
    def duration_s(self) -> float:
        """Length of the audio."""
        return len(self.content) / SAMPLE_RATE_HZ

    def samples(self) -> Samples:
        """Return mono samples in -1…1."""
        return self.content


@dataclass(frozen=True)
class Lesson:
    """An utterance and what it teaches."""

    audio: SpeechAudio
    ids: tuple[int, ...]
    """Text tokens, without prompt and end; none teaches silence."""


@dataclass(frozen=True)
class WindowPlan:
    """Lessons that share a window, in this order, with pauses between them."""

    lessons: tuple[Lesson, ...]
    pauses_s: tuple[float, ...]
    """Behind each lesson."""
    seed: int
    """Of whatever happens to the window."""

    @property
    def speech_s(self) -> float:
        """Length of what is in it, pauses included."""
        return sum(one.audio.duration_s for one in self.lessons) + sum(self.pauses_s)

    @property
    def ids(self) -> tuple[int, ...]:
        """The text of the window."""
        return tuple(one for lesson in self.lessons for one in lesson.ids)

    @property
    def end_weight(self) -> float:
        """Of the token behind the text, in tokens of it; where nobody speaks it is all that is learned."""
        return 1.0 if self.ids else SILENCE_WEIGHT

    def samples(self) -> Samples:
        """Read and join the audio."""
        parts: list[Samples] = []
        for lesson, pause_s in zip(self.lessons, self.pauses_s, strict=True):
            parts += [lesson.audio.samples(), np.zeros(round(pause_s * SAMPLE_RATE_HZ), np.float32)]
        return np.concatenate(parts)


@dataclass(frozen=True)
class BatchPlan:
    """Windows of one length that are heard at once."""

    windows: tuple[WindowPlan, ...]
    frames: int
    """Of each window: an even number."""

    @property
    def speech_s(self) -> float:
        """Length of what is in its windows together."""
        return sum(one.speech_s for one in self.windows)


def joined(lessons: Sequence[Lesson], longest_s: float, choice: random.Random) -> list[WindowPlan]:
    """Return windows that hold every lesson once, in a random order."""
    shuffled = list(lessons)
    choice.shuffle(shuffled)
    found: list[WindowPlan] = []
    held: list[Lesson] = []
    limit_s = longest_s * choice.choice(_FILLS)
    for lesson in shuffled:
        tokens = sum(len(one.ids) for one in held) + len(lesson.ids)
        held_s = sum(one.audio.duration_s + _MOST_PAUSE_S for one in held)
        alone = not lesson.ids or (held and not held[-1].ids)
        if held and (held_s + lesson.audio.duration_s > limit_s or tokens > _MOST_TOKENS or alone):
            found.append(_window(held, choice))
            held, limit_s = [], longest_s * choice.choice(_FILLS)
        held.append(lesson)
    if held:
        found.append(_window(held, choice))
    return found


def batches(
    lessons: Sequence[Lesson], *, longest_s: float, batch_s: float, window: Window, choice: random.Random
) -> list[BatchPlan]:
    """Return the batches of one epoch: windows of similar length together, the batches in a random order.

    Args:
        lessons: what is taught.
        longest_s: utterances are joined up to this length.
        batch_s: length of the windows of a batch together.
        window: what the recogniser hears in.
        choice: the same one gives the same batches.
    """
    windows = joined(lessons, longest_s, choice)
    by_length = sorted(windows, key=lambda one: one.speech_s * choice.uniform(0.85, 1.18))
    found: list[BatchPlan] = []
    held: list[WindowPlan] = []
    for one in by_length:
        if held and _frames([*held, one], window) * (len(held) + 1) > batch_s * FRAMES_PER_S:
            found.append(_batch(held, window, choice))
            held = []
        held.append(one)
    if held:
        found.append(_batch(held, window, choice))
    choice.shuffle(found)
    return found


def _window(lessons: Sequence[Lesson], choice: random.Random) -> WindowPlan:
    pauses_s = tuple(choice.uniform(0, _MOST_PAUSE_S) for _ in lessons)
    return WindowPlan(tuple(lessons), pauses_s, choice.getrandbits(32))


def _batch(windows: Sequence[WindowPlan], window: Window, choice: random.Random) -> BatchPlan:
    zeros = round(FRAMES_PER_S * choice.uniform(0, _MOST_ZEROS_S))
    frames = _FRAMES_STEP * -(-(_frames(windows, window) + zeros) // _FRAMES_STEP)
    return BatchPlan(tuple(windows), min(LONGEST_S * FRAMES_PER_S, frames))


def _frames(windows: Sequence[WindowPlan], window: Window) -> int:
    return window.frames(max(round(one.speech_s * SAMPLE_RATE_HZ) // HOP for one in windows))
