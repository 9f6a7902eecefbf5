"""Speech that a text leaves out: of several sentences in one window a network sometimes skips one.

What is loud there and belongs to no word is decoded by itself, and so is what is before and behind it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chalicelib.engines.protocol import Samples
from chalicelib.engines.whisper.alignment import AlignedWords, Levels, aligned_words, levels_db
from chalicelib.engines.whisper.decoding import Decoded, Rules, decode
from chalicelib.engines.whisper.mel import FRAMES_PER_S, HOP, SAMPLE_RATE_HZ
from chalicelib.engines.whisper.network import Network
from chalicelib.engines.whisper.transcript import network_words

_PAUSE_FRAMES = 20
"""Of 10 ms."""
_PERHAPS_NO_SPEECH = 0.4
"""Above it voices in the background are heard, or nobody."""


@dataclass(frozen=True)
class Piece:
    """A part of an utterance that was decoded in one window."""

    start_s: float
    """In the utterance."""
    samples: Samples
    decoded: Decoded


def completed(network: Network, piece: Piece, rules: Rules) -> list[Piece]:
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
    if not len(aligned.left_out):
        return [whole]
    edges = _edges(aligned, levels_db(piece.samples))
    if len(edges) < 2:
        return [whole]
    bounds = [*(edge * HOP for edge in edges), len(piece.samples)]
    parts = [np.ascontiguousarray(piece.samples[first:last]) for first, last in itertools.pairwise(bounds)]
    found = decode(network, parts, rules, rules.beam)
    if not _says_more(network, found, len(words)):
        return [whole]
    return [
        Piece(piece.start_s + first / SAMPLE_RATE_HZ, part, one)
        for first, part, one in zip(bounds[:-1], parts, found, strict=True)
    ]


def _edges(aligned: AlignedWords, levels: Levels) -> list[int]:
    """Return the frames at which a piece is cut: in pauses between words and what they leave out.

    Without a pause between them, what was left out is part of what is beside it.
    """
    stretches = sorted(
        [(first, last, False) for first, last in aligned.spans.tolist()]
        + [(first, last, True) for first, last in aligned.left_out.tolist()]
    )
    edges = [0]
    for (_, before_s, is_left_out), (after_s, _, is_next) in itertools.pairwise(stretches):
        first, last = round(before_s * FRAMES_PER_S), round(after_s * FRAMES_PER_S)
        if is_left_out != is_next and last - first >= _PAUSE_FRAMES:
            edges.append(first + int(np.argmin(levels[first : last + 1])))
    return edges


def _says_more(network: Network, parts: Sequence[Decoded], words: int) -> bool:
    """Tell whether parts have words that the whole lacks, and each of them is surely speech."""
    if any(one.odd or (one.readings and one.no_speech > _PERHAPS_NO_SPEECH) for one in parts):
        return False
    heard = sum(len(network_words(network, one.readings[0].ids)) for one in parts if one.readings)
    return heard > words
