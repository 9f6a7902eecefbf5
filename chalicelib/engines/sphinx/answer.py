"""What the decoder found in an utterance, in the words of the protocol."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.engines.display import Display, shown
from chalicelib.engines.protocol import DecodedUtterance, DecodingOptions, Hypothesis, Word
from chalicelib.engines.sphinx.acoustics.features import FRAMES_PER_S
from chalicelib.engines.sphinx.decoder import Segment, SphinxDecoder
from chalicelib.engines.sphinx.lattices.confusion import confusion_network
from chalicelib.engines.sphinx.lattices.lattice import Arc, Lattice
from chalicelib.engines.sphinx.lattices.spotting import spot


def answer(
    decoder: SphinxDecoder, segments: Sequence[Segment], options: DecodingOptions, display: Display
) -> DecodedUtterance:
    """Return what is wanted of the utterance decoded last, as results show it.

    `segments` are its best reading.
    """
    best = _arcs(segments)
    more = options.max_alternatives > 1 or options.word_alternatives or options.keywords
    lattice = decoder.lattice() if more else None
    first = (Hypothesis(_words(best), decoder.posterior()),) if best else ()
    if lattice is None:
        return shown(DecodedUtterance(first), display)
    found = DecodedUtterance(
        hypotheses=(*first, *(_others(decoder, lattice, first[0], options) if first else ())),
        slots=confusion_network(lattice, best) if options.word_alternatives and best else (),
        keywords=spot(lattice, {keyword: display.ways(keyword) for keyword in options.keywords}),
    )
    return shown(found, display)


def _others(
    decoder: SphinxDecoder, lattice: Lattice, best: Hypothesis, options: DecodingOptions
) -> tuple[Hypothesis, ...]:
    """Return further readings, likeliest first."""
    count = options.max_alternatives
    if count < 2:
        return ()
    found = decoder.readings(lattice, count)
    others = [reading for reading in found if [arc.text for arc in reading.words] != _texts(best)]
    likeliest = found[0].score if found else 0.0
    return tuple(
        Hypothesis(_words(reading.words), best.posterior * decoder.flattened(reading.score - likeliest))
        for reading in others[: count - 1]
    )


def _texts(hypothesis: Hypothesis) -> list[str]:
    return [word.text for word in hypothesis.words]


def spoken(segments: Sequence[Segment]) -> tuple[Word, ...]:
    """Return the words among the segments of a reading."""
    return _words(_arcs(segments))


def _arcs(segments: Sequence[Segment]) -> list[Arc]:
    return [
        Arc(segment.word, segment.first_frame, segment.last_frame, segment.posterior)
        for segment in segments
        if not segment.is_filler
    ]


def _words(arcs: Sequence[Arc]) -> tuple[Word, ...]:
    return tuple(
        Word(arc.text, arc.first_frame / FRAMES_PER_S, (arc.last_frame + 1) / FRAMES_PER_S, arc.posterior)
        for arc in arcs
    )
