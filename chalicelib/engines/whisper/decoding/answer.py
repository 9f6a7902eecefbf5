"""What is answered about an utterance, made of what was found in its pieces."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.engines import n_best
from chalicelib.engines.protocol import (
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Word,
    WordSlot,
)
from chalicelib.engines.whisper.decoding import confidence, keywords
from chalicelib.engines.whisper.decoding.alignment import aligned_words
from chalicelib.engines.whisper.decoding.left_out import WindowPiece
from chalicelib.engines.whisper.decoding.network import Network, Reading
from chalicelib.engines.whisper.decoding.transcript import network_words, words_of
from chalicelib.engines.whisper.decoding.windows import widened

_USUAL_READINGS, _WIDE_BEAM = 5, 10
"""When more alternatives are wanted, more are followed; the best reading stays that of the usual search."""


def answer(network: Network, pieces: Sequence[WindowPiece], options: DecodingOptions) -> DecodedUtterance:
    """Return everything that was asked for about an utterance."""
    compared = options.word_alternatives or bool(options.keywords)
    everything = compared or options.max_alternatives > 1
    if options.max_alternatives > _USUAL_READINGS:
        pieces = [replace(piece, decoded=widened(network, piece.decoded, _WIDE_BEAM)) for piece in pieces]
    heard = [hypotheses(network, piece, every_reading=everything) for piece in pieces]
    slots: list[WordSlot] = []
    for readings in heard if options.word_alternatives else ():
        slots += n_best.slots(readings)
    hits = keywords.hits(network, pieces, heard, options.keywords) if options.keywords else ()
    said = [readings for readings in heard if readings]
    return DecodedUtterance(_joined(said, options.max_alternatives), tuple(slots), hits)


def hypotheses(network: Network, piece: WindowPiece, *, every_reading: bool) -> list[Hypothesis]:
    """Return the readings of one piece, best first, with their weights; those with the same words once."""
    decoded = piece.decoded
    if not decoded.readings or not _texts(network, decoded.readings[0]):
        return []
    best, *others = decoded.readings
    ranked = [best, *sorted((*others, *decoded.wider), key=lambda reading: -reading.score)]
    weights = n_best.weights([reading.score for reading in ranked])
    found: dict[tuple[str, ...], Hypothesis] = {}
    for reading, weight in zip(ranked, weights, strict=True):
        texts = tuple(_texts(network, reading))
        same = found.get(texts)
        if same is not None:
            found[texts] = replace(same, posterior=same.posterior + weight)
        elif texts and (reading is best or every_reading):
            found[texts] = Hypothesis(_words(network, piece, reading), weight)
    return list(found.values())


def _words(network: Network, piece: WindowPiece, reading: Reading) -> tuple[Word, ...]:
    return tuple(
        replace(word, posterior=confidence.confidence(told)) for word, told in judged(network, piece, reading)
    )


def judged(
    network: Network, piece: WindowPiece, reading: Reading
) -> list[tuple[Word, confidence.WordEvidence]]:
    """Return the words of one reading, without their posteriors, and what speaks for each."""
    decoded = piece.decoded
    written = decoded.written.ids if reading is decoded.readings[0] and decoded.written else None
    words = words_of(network, reading.ids, written)
    texts = [text for text, _ in words]
    aligned = decoded.aligned if reading is decoded.readings[0] else None
    if aligned is None:
        aligned = aligned_words(network, decoded.encoded, texts, piece.samples)
    weights = n_best.weights([one.score for one in decoded.readings])
    shares = _agreement(texts, [_texts(network, one) for one in decoded.readings], weights)
    spans_s = (piece.start_s + aligned.spans).tolist()
    return [
        (Word(text, start_s, end_s, 0.0, shown), confidence.evidence(chances, shared, reading.score))
        for (text, shown), (start_s, end_s), chances, shared in zip(
            words, spans_s, aligned.log_probabilities, shares, strict=True
        )
    ]


def _texts(network: Network, reading: Reading) -> list[str]:
    return [word for word, _ in network_words(network, reading.ids)]


def _agreement(
    words: Sequence[str], readings: Sequence[Sequence[str]], weights: Sequence[float]
) -> list[float]:
    """Return the share of the readings, by weight, that have each word where this one has it."""
    shares = [0.0] * len(words)
    for other, weight in zip(readings, weights, strict=True):
        matcher = difflib.SequenceMatcher(a=words, b=other, autojunk=False)
        for block in matcher.get_matching_blocks():
            for place in range(block.a, block.a + block.size):
                shares[place] += weight
    return shares


def _joined(pieces: Sequence[Sequence[Hypothesis]], most: int) -> tuple[Hypothesis, ...]:
    """Return readings of the whole: the best of every piece, then those that differ in one piece only."""
    if not pieces:
        return ()
    best = [readings[0] for readings in pieces]
    weight = math.prod(one.posterior for one in best)
    others = sorted(
        (
            (weight * other.posterior / best[place].posterior, place, number)
            for place, readings in enumerate(pieces)
            for number, other in enumerate(readings)
            if number
        ),
        key=lambda one: (-one[0], one[1:]),
    )
    joined = [Hypothesis(tuple(word for one in best for word in one.words), weight)]
    for share, place, number in others[: most - 1]:
        parts = [*best[:place], pieces[place][number], *best[place + 1 :]]
        joined.append(Hypothesis(tuple(word for one in parts for word in one.words), min(share, weight)))
    return tuple(joined)
