"""Speech that a text leaves out: of several sentences in one window a network sometimes skips one.

What is loud there and belongs to no word is decoded by itself, and so is what is before and behind it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np

from chalicelib.engines.protocol import Samples
from chalicelib.engines.whisper.decoding.alignment import AlignedWords, Levels, aligned_words, levels_db
from chalicelib.engines.whisper.decoding.network import Network
from chalicelib.engines.whisper.decoding.transcript import network_words
from chalicelib.engines.whisper.decoding.windows import DecodedWindow, DecodingRules, decode
from chalicelib.engines.whisper.mel import FRAMES_PER_S, HOP, SAMPLE_RATE_HZ

_PAUSE_FRAMES = 20
"""Of 10 ms."""
_LONG_FRAMES = 100
"""So much cannot be the rest of a word beside it: it is cut off even where there is no pause."""
_LONGEST_WORD_S = 1.2
"""What seems to take longer has others in it."""
_NEARBY_FRAMES, _NEARBY_LEFT_OUT_FRAMES = 10, 60
"""Without a pause a piece is cut at the quietest place so near; words may go on into what they leave out."""
_QUIET_FRAMES = 9
"""A place is as quiet as the loudest of so many frames around it."""
_PERHAPS_NO_SPEECH = 0.4
"""Above it voices in the background are heard, or nobody."""


@dataclass(frozen=True)
class WindowPiece:
    """A part of an utterance that was decoded in one window."""

    start_s: float
    """In the utterance."""
    samples: Samples
    decoded: DecodedWindow


def completed(network: Network, piece: WindowPiece, rules: DecodingRules) -> list[WindowPiece]:
    """Return a piece, or the parts that it had to be decoded in so that no speech is left out.

    Args:
        network: what has decoded it.
        piece: as it was decoded.
        rules: how.
    """
    decoded = piece.decoded
    if not decoded.readings:
        return [piece]
    words = [word for word, _ in network_words(network, decoded.readings[0].ids)]
    if not words:
        return [piece]
    aligned = aligned_words(network, decoded.encoded, words, piece.samples)
    whole = replace(piece, decoded=replace(decoded, aligned=aligned))
    stretches = _stretches(aligned)
    edges = _edges(stretches, levels_db(piece.samples)) if len(stretches) > 1 else []
    if len(edges) < 2:
        return [whole]
    bounds = [*(edge * HOP for edge in edges), len(piece.samples)]
    parts = [np.ascontiguousarray(piece.samples[first:last]) for first, last in itertools.pairwise(bounds)]
    found = [_surely_said(one) for one in decode(network, parts, rules, rules.beam)]
    if sum(_words(network, one) for one in found) <= len(words):
        return [whole]
    return [
        WindowPiece(piece.start_s + first / SAMPLE_RATE_HZ, part, one)
        for first, part, one in zip(bounds[:-1], parts, found, strict=True)
    ]


class _Kind(Enum):
    """What a stretch of a piece is."""

    WORDS = auto()
    LEFT_OUT = auto()
    LONG_WORD = auto()


@dataclass(frozen=True)
class _Stretch:
    """A part of a piece that words have, or that none has."""

    kind: _Kind
    first: int
    """Frame of 10 ms; `last` is the one behind it."""
    last: int

    @property
    def may_be_speech(self) -> bool:
        """Whether it is long enough for words that the text leaves out."""
        return self.kind is not _Kind.WORDS and self.last - self.first >= _LONG_FRAMES


def _stretches(aligned: AlignedWords) -> list[_Stretch]:
    """Return what words have and what they leave out, in turns.

    Sounds with nothing but pauses between them are one: letters and numbers are said so.
    """
    found = [(first, last, _Kind.LEFT_OUT) for first, last in aligned.left_out.tolist()]
    for first, last in aligned.spans.tolist():
        found.append((first, last, _Kind.LONG_WORD if last - first > _LONGEST_WORD_S else _Kind.WORDS))
    found.sort(key=lambda stretch: stretch[0])
    groups = [(kind, list(group)) for kind, group in itertools.groupby(found, key=lambda stretch: stretch[2])]
    return [
        _Stretch(kind, round(group[0][0] * FRAMES_PER_S), round(group[-1][1] * FRAMES_PER_S))
        for kind, group in groups
    ]


def _edges(stretches: Sequence[_Stretch], levels: Levels) -> list[int]:
    """Return the frames at which a piece is cut: in pauses between words and what they leave out.

    Without a pause between them, what was left out is part of what is beside it, unless it is long.
    """
    padded = np.pad(levels, _QUIET_FRAMES // 2, "edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, _QUIET_FRAMES).max(axis=1)
    edges = [0]
    for before, after in itertools.pairwise(stretches):
        first, last = before.last, after.first
        if last - first < _PAUSE_FRAMES:
            if not (before.may_be_speech or after.may_be_speech):
                continue
            first = max(first - _nearby(before), 0)
            last += _nearby(after)
        edge = first + int(np.argmin(around[first : last + 1]))
        if edge - edges[-1] >= _PAUSE_FRAMES:
            edges.append(edge)
    return edges


def _nearby(stretch: _Stretch) -> int:
    return _NEARBY_LEFT_OUT_FRAMES if stretch.may_be_speech else _NEARBY_FRAMES


def _surely_said(decoded: DecodedWindow) -> DecodedWindow:
    """Return what was found in a part, or nothing, where perhaps nobody speaks in it."""
    unsure = decoded.odd or decoded.no_speech > _PERHAPS_NO_SPEECH
    return replace(decoded, readings=(), wider=(), written=None) if unsure else decoded


def _words(network: Network, decoded: DecodedWindow) -> int:
    return len(network_words(network, decoded.readings[0].ids)) if decoded.readings else 0
