"""Where to cut a recording into utterances: at silences, and in speech only when there is none for 20 s."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST_S = 20.0
"""No utterance is longer."""
MARGIN_S = 0.3
"""Silence kept on either side: cutting tightly into speech costs accuracy."""
WHOLE_S = 8.0
"""A recording up to this long that holds speech is one utterance, with all the silence it came with."""
_JOINED_OVER_S = 0.8
"""Speech goes on in the same utterance after a pause of this length or less."""
_SHORT_S = 1.0
_SHORT_JOINED_OVER_S = 2.0
"""A stretch of less than a second joins a neighbour over a longer pause: alone it says little."""
_LONG_S = 5.0
"""Talk without a long pause is cut into pieces of at least this, where its short pauses allow it."""
_MOST_SPEECH_S = LONGEST_S - 2 * MARGIN_S
_HOP_S = 0.01
_SMOOTHED_OVER = 10


@dataclass(frozen=True)
class SpeechSpan:
    """Samples `start` up to, but not with, `end` of a recording."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Number of samples."""
        return self.end - self.start


def utterance_spans(
    speech: Sequence[SpeechSpan], total: int, rate_hz: int, quietest: Callable[[SpeechSpan], int]
) -> list[SpeechSpan]:
    """Return the utterances of a recording of `total` samples, in order, not overlapping, all speech covered.

    `quietest` gives the quietest place inside a span; it is asked only about speech without a pause for 20 s.
    """
    stretches = _merged(speech, total)
    if stretches and total <= WHOLE_S * rate_hz:
        return [SpeechSpan(0, total)]
    pieces = [
        piece
        for group in _joined(stretches, rate_hz)
        for piece in _bounded(group, round(_MOST_SPEECH_S * rate_hz), rate_hz, quietest)
    ]
    return _with_margins(pieces, total, round(MARGIN_S * rate_hz))


def quietest_place(samples: NDArray[np.int16], rate_hz: int) -> int:
    """Return the sample in the middle of the quietest tenth of a second of `samples`, shape (n,), n > 0."""
    hop = max(round(_HOP_S * rate_hz), 1)
    hops = len(samples) // hop
    if hops <= _SMOOTHED_OVER:
        return len(samples) // 2
    frames = samples[: hops * hop].astype(np.float64).reshape(hops, hop)
    power = (frames**2).sum(axis=1)
    smoothed = np.convolve(power, np.ones(_SMOOTHED_OVER), mode="valid")
    return (int(smoothed.argmin()) * hop) + _SMOOTHED_OVER * hop // 2


def _merged(speech: Sequence[SpeechSpan], total: int) -> list[SpeechSpan]:
    merged: list[SpeechSpan] = []
    for span in sorted(speech, key=lambda span: span.start):
        start, end = max(span.start, 0), min(span.end, total)
        if end <= start:
            continue
        if merged and start <= merged[-1].end:
            merged[-1] = SpeechSpan(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(SpeechSpan(start, end))
    return merged


def _joined(stretches: Sequence[SpeechSpan], rate_hz: int) -> list[list[SpeechSpan]]:
    groups: list[list[SpeechSpan]] = []
    for stretch in stretches:
        if groups:
            group = groups[-1]
            short = min(group[-1].end - group[0].start, stretch.length) < _SHORT_S * rate_hz
            pause_s = (stretch.start - group[-1].end) / rate_hz
            if pause_s <= (_SHORT_JOINED_OVER_S if short else _JOINED_OVER_S):
                group.append(stretch)
                continue
        groups.append([stretch])
    return groups


def _bounded(
    group: Sequence[SpeechSpan], longest: int, rate_hz: int, quietest: Callable[[SpeechSpan], int]
) -> Iterator[SpeechSpan]:
    """Yield pieces of at most `longest` samples, cut from the left at the widest pause in reach."""
    start, end, first = group[0].start, group[-1].end, 0
    while end - start > longest:
        after = bisect.bisect_right(group, start + longest, lo=first, key=lambda stretch: stretch.end)
        if after > first:
            cut = _widest_pause(group, range(first + 1, after + 1), start, rate_hz)
            yield SpeechSpan(start, group[cut - 1].end)
            start, first = group[cut].start, cut
        else:
            latest = min(start + longest, group[first].end - longest // 4)
            place = quietest(SpeechSpan(start + longest // 2, latest))
            yield SpeechSpan(start, place)
            start = place
    yield SpeechSpan(start, end)


def _widest_pause(group: Sequence[SpeechSpan], before: range, start: int, rate_hz: int) -> int:
    """Return the index of the stretch after the widest pause, if possible one that leaves no short piece."""

    def merit(index: int) -> tuple[bool, int]:
        enough_before = group[index - 1].end - start >= _LONG_S * rate_hz
        enough_after = group[-1].end - group[index].start >= _SHORT_S * rate_hz
        return enough_before and enough_after, group[index].start - group[index - 1].end

    return max(before, key=merit)


def _with_margins(pieces: Sequence[SpeechSpan], total: int, margin: int) -> list[SpeechSpan]:
    spans = []
    for index, piece in enumerate(pieces):
        before = (pieces[index - 1].end + piece.start + 1) // 2 if index else 0
        after = (piece.end + pieces[index + 1].start + 1) // 2 if index + 1 < len(pieces) else total
        spans.append(SpeechSpan(max(piece.start - margin, before), min(piece.end + margin, after)))
    return spans
