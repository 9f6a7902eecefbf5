"""Where a recording is cut into utterances: at pauses, and after two minutes without one at a quiet place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chalicelib.audio.speech_detection import speech_in
from chalicelib.engines.protocol import Samples
from chalicelib.recognition import levels
from chalicelib.recognition.recordings import Recording

LONGEST_S = 120.0
"""An utterance that goes on for longer is cut in two."""
MARGIN_S = 0.3
"""Of silence kept on both sides of speech, where there is as much: no word is to lose its first sound."""
_CUT_WITHIN_S = 20.0
"""A forced cut lies at the quietest place in this last part of the two minutes."""
_SHORTEST_PAUSE_S = 0.1
_CLICK_FRAMES = 3
"""Fewer frames alone in a pause are no speech."""
_HOP_S = 0.01
_QUIET_HOPS = 15
"""A place is as quiet as the mean of so many hops around it: about the closure of a stop, and a word gap."""


@dataclass(frozen=True)
class Span:
    """Samples `start` up to, but not with, `end` of a recording."""

    start: int
    end: int


def find(recording: Recording, pause_s: float) -> list[Span]:
    """Return the utterances of a recording, in order and without overlap; none when nobody speaks.

    `pause_s` is the length of a silence that separates two utterances; below a tenth of a second it
    would be heard inside of words, and counts as that.
    """
    blocks = (
        recording.samples(start, start + recording.rate_hz)
        for start in range(0, len(recording.pcm), recording.rate_hz)
    )
    frame = round(levels.FRAME_S * recording.rate_hz)
    heard = np.zeros(len(recording.pcm) // frame + 1, np.bool_)
    for stretch in speech_in(blocks, recording.rate_hz, min_silence_s=_SHORTEST_PAUSE_S):
        heard[round(stretch.start_s / levels.FRAME_S) : math.ceil(stretch.end_s / levels.FRAME_S)] = True
    heard[:-1] &= ~levels.quiet_frames(recording)
    edges = np.flatnonzero(np.diff(heard, prepend=False, append=False)) * frame
    runs = [Span(start, min(end, len(recording.pcm))) for start, end in edges.reshape(-1, 2).tolist()]
    shortest_pause, click = round(_SHORTEST_PAUSE_S * recording.rate_hz), _CLICK_FRAMES * frame
    speech = [run for run in _joined(runs, shortest_pause) if run.end - run.start >= click]
    return cut(speech, recording, pause_s)


def cut(speech: Sequence[Span], recording: Recording, pause_s: float) -> list[Span]:
    """Return the utterances of a recording in which speech was detected, all of it covered.

    Args:
        speech: in order, without overlap.
        recording: what it was detected in.
        pause_s: silence of at least this length separates utterances.
    """
    rate_hz = recording.rate_hz
    utterances = _joined(speech, round(max(pause_s, _SHORTEST_PAUSE_S) * rate_hz))
    widened = _with_margins(utterances, len(recording.pcm), round(MARGIN_S * rate_hz))
    return [part for utterance in widened for part in _bounded(utterance, recording)]


def _joined(speech: Sequence[Span], pause: int) -> list[Span]:
    utterances: list[Span] = []
    for stretch in speech:
        if utterances and stretch.start - utterances[-1].end < pause:
            utterances[-1] = Span(utterances[-1].start, stretch.end)
        else:
            utterances.append(stretch)
    return utterances


def _with_margins(utterances: Sequence[Span], total: int, margin: int) -> list[Span]:
    """Widen each by the margin, or to the middle of a pause too short for two margins."""
    widened = []
    earliest = 0
    for number, utterance in enumerate(utterances):
        following = utterances[number + 1].start if number + 1 < len(utterances) else total + margin
        end = min(utterance.end + margin, (utterance.end + following) // 2, total)
        widened.append(Span(max(utterance.start - margin, earliest), end))
        earliest = end
    return widened


def _bounded(utterance: Span, recording: Recording) -> Iterator[Span]:
    rate_hz = recording.rate_hz
    longest, within = round(LONGEST_S * rate_hz), round(_CUT_WITHIN_S * rate_hz)
    start = utterance.start
    while utterance.end - start > longest:
        place = start + longest - within
        place += _quietest(recording.samples(place, start + longest), rate_hz)
        yield Span(start, place)
        start = place
    yield Span(start, utterance.end)


def _quietest(samples: Samples, rate_hz: int) -> int:
    hop = max(round(_HOP_S * rate_hz), 1)
    hops = len(samples) // hop
    power = np.square(samples[: hops * hop], dtype=np.float64).reshape(hops, hop).mean(axis=1)
    smoothed = np.convolve(power, np.ones(_QUIET_HOPS), mode="valid")
    return (int(smoothed.argmin()) + _QUIET_HOPS // 2) * hop
