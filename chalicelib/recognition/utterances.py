"""Where a recording is cut into utterances: at pauses, and after two minutes without one at a quiet place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chalicelib.engines.protocol import Samples

LONGEST_S = 120.0
"""An utterance that goes on for longer is cut in two."""
MARGIN_S = 0.3
"""Of silence kept on both sides of speech, where there is as much: no word is to lose its first sound."""
_CUT_WITHIN_S = 20.0
"""A forced cut lies at the quietest place in this last part of the two minutes."""
_HOP_S = 0.01
_QUIET_HOPS = 15
"""A place is as quiet as the mean of so many hops around it: about the closure of a stop, and a word gap."""


@dataclass(frozen=True)
class Span:
    """Samples `start` up to, but not with, `end` of a recording."""

    start: int
    end: int


def cut(speech: Sequence[Span], samples: Samples, rate_hz: int, pause_s: float) -> list[Span]:
    """Return the utterances of a recording, in order, without overlap, covering all of its speech.

    Args:
        speech: where speech was detected, in order, without overlap.
        samples: the recording, shape (n,).
        rate_hz: of the samples.
        pause_s: silence of at least this length separates utterances.
    """
    pause = round(pause_s * rate_hz)
    margin = round(MARGIN_S * rate_hz)
    return [
        part
        for utterance in _with_margins(_joined(speech, pause), len(samples), margin)
        for part in _bounded(utterance, samples, rate_hz)
    ]


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


def _bounded(utterance: Span, samples: Samples, rate_hz: int) -> Iterator[Span]:
    longest, within = round(LONGEST_S * rate_hz), round(_CUT_WITHIN_S * rate_hz)
    start = utterance.start
    while utterance.end - start > longest:
        place = start + longest - within
        place += _quietest(samples[place : start + longest], rate_hz)
        yield Span(start, place)
        start = place
    yield Span(start, utterance.end)


def _quietest(samples: Samples, rate_hz: int) -> int:
    hop = max(round(_HOP_S * rate_hz), 1)
    hops = len(samples) // hop
    power = np.square(samples[: hops * hop], dtype=np.float64).reshape(hops, hop).mean(axis=1)
    smoothed = np.convolve(power, np.ones(_QUIET_HOPS), mode="valid")
    return (int(smoothed.argmin()) + _QUIET_HOPS // 2) * hop
