"""When words were said: the network's attention, joined at quiet places and clipped to what is loud.

The constants were chosen on forced alignments of the training half of AN4.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.protocol import Samples
from chalicelib.engines.whisper.decoding.network import Encoded, Network
from chalicelib.engines.whisper.mel import FRAMES_PER_S, HOP

Spans = NDArray[np.float64]
"""Starts and ends in seconds, shape (n, 2)."""
Levels = NDArray[np.float64]
"""Decibels of frames of 10 ms, shape (n,)."""

SHORTEST_WORD_S = 0.04

_LATE_S = 0.09
"""Attention goes to a word so long after it has begun."""
_QUIETEST_WITHIN_S, _DB_PER_DISTANCE = 0.06, 10.0
"""Between two words the quietest place nearby is taken; one at the edge must be so much quieter."""
_LOUD_SHARE = 0.3
"""A frame is loud from this share of the range between the quiet and the loud frames."""
_QUIET_PERCENTILE, _LOUD_PERCENTILE = 5, 95
_LONGEST_GAP_FRAMES = 15
"""What is loud but farther from the rest of its word is not part of it."""
_LEAST_LEFT_OUT_FRAMES = 30
"""Shorter sounds beside words are breath, or the rest of a word."""


@dataclass(frozen=True)
class AlignedWords:
    """When words were said, and how well the network can imagine that they were."""

    spans: Spans
    """In order, apart, within the samples, and never empty; in seconds from their beginning."""
    log_probabilities: list[tuple[float, ...]]
    """Of the tokens of each word, given those before."""
    left_out: Spans
    """Loud stretches that no word has: what was said there is perhaps missing from the text."""


def aligned_words(network: Network, encoded: Encoded, words: Sequence[str], samples: Samples) -> AlignedWords:
    """Return when each spoken word was said.

    Words are aligned as they are spoken, not as they are written: so each letter and each part of a number
    has a time of its own.

    Args:
        network: what has encoded the window.
        encoded: one window.
        words: lower-case words, at least one.
        samples: of the speech in that window, at 16 kHz.

    Raises:
        ValueError: there is no word, or there are too many.
    """
    pieces = [network.tokens.encode(f" {word}") for word in words]
    [aligned] = network.align(encoded, [[one for word in pieces for one in word]])
    ends = np.cumsum([0, *map(len, pieces)])
    chances = np.log(np.maximum(aligned.probabilities, 1e-10)).tolist()
    of_words = [tuple(chances[first:last]) for first, last in itertools.pairwise(ends.tolist())]
    levels = levels_db(samples)
    loud = _loud(levels)
    spans = _spans(aligned.starts_s[ends] - _LATE_S, samples, levels, loud)
    return AlignedWords(spans, of_words, _left_out(loud, spans))


def _spans(edges: NDArray[np.float64], samples: Samples, levels: Levels, loud: NDArray[np.bool_]) -> Spans:
    """Return the loud parts between edges that are moved to quiet places."""
    end_s = len(samples) / HOP / FRAMES_PER_S
    edges = np.clip(edges, 0.0, end_s)
    edges[-1] = end_s
    for place in range(1, len(edges) - 1):
        edges[place] = _quietest(levels, edges[place])
    edges = np.maximum.accumulate(edges)
    clipped = [_clipped(loud, levels, first, last) for first, last in itertools.pairwise(edges)]
    return in_order(np.array(clipped), end_s)


def in_order(spans: Spans, end_s: float) -> Spans:
    """Return spans that are in order, apart, within 0…`end_s`, and not empty.

    Where there is too little room for all, they share what there is.
    """
    count = len(spans)
    shortest = min(SHORTEST_WORD_S, end_s / max(count, 1))
    ordered = np.empty((count, 2))
    free = 0.0
    for place, (start, end) in enumerate(spans.tolist()):
        latest = max(end_s - (count - place) * shortest, 0.0)
        begin = min(max(start, free), latest)
        free = min(max(end, begin + shortest), max(latest + shortest, begin))
        ordered[place] = begin, free
    return ordered


def levels_db(samples: Samples) -> Levels:
    """Return the level of every whole frame, smoothed over three."""
    frames = len(samples) // HOP
    if not frames:
        return np.empty(0)
    power = np.square(samples[: frames * HOP], dtype=np.float64).reshape(frames, HOP).mean(axis=1)
    around = np.pad(10 * np.log10(power + 1e-10), 1, "edge")
    smoothed: Levels = (around[:-2] + around[1:-1] + around[2:]) / 3
    return smoothed


def _quietest(levels: Levels, edge_s: float) -> float:
    first = max(int((edge_s - _QUIETEST_WITHIN_S) * FRAMES_PER_S), 0)
    last = min(int((edge_s + _QUIETEST_WITHIN_S) * FRAMES_PER_S) + 1, len(levels))
    if last - first < 3:
        return edge_s
    distance = np.abs(np.arange(first, last) / FRAMES_PER_S - edge_s) / _QUIETEST_WITHIN_S
    return float(first + np.argmin(levels[first:last] + _DB_PER_DISTANCE * distance)) / FRAMES_PER_S


def _loud(levels: Levels) -> NDArray[np.bool_]:
    if not len(levels):
        return np.empty(0, np.bool_)
    quiet, loud = np.percentile(levels, [_QUIET_PERCENTILE, _LOUD_PERCENTILE])
    above: NDArray[np.bool_] = levels > quiet + _LOUD_SHARE * (loud - quiet)
    return above


def _clipped(loud: NDArray[np.bool_], levels: Levels, first_s: float, last_s: float) -> tuple[float, float]:
    """Return the loud part of a span; all of it when nothing in it is loud."""
    first, last = int(first_s * FRAMES_PER_S), round(last_s * FRAMES_PER_S)
    runs = _runs(loud[first:last])
    if not runs:
        return first_s, last_s
    weights = [np.sum(10 ** (levels[first + run] / 10)) for run in runs]
    main = runs[int(np.argmax(weights))]
    return (first + int(main[0])) / FRAMES_PER_S, (first + int(main[-1]) + 1) / FRAMES_PER_S


def _left_out(loud: NDArray[np.bool_], spans: Spans) -> Spans:
    """Return the loud stretches outside all spans that are long enough to be words."""
    free = loud.copy()
    for first, last in np.rint(spans * FRAMES_PER_S).astype(int):
        free[first:last] = False
    found = [(run[0], run[-1] + 1) for run in _runs(free) if len(run) >= _LEAST_LEFT_OUT_FRAMES]
    return np.array(found, np.float64).reshape(-1, 2) / FRAMES_PER_S


def _runs(loud: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Return the places that are true, those apart by more than a gap in lists of their own."""
    places = np.flatnonzero(loud)
    return np.split(places, np.flatnonzero(np.diff(places) > _LONGEST_GAP_FRAMES) + 1) if len(places) else []
