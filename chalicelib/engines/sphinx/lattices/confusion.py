"""A lattice to a confusion network: which words compete with each other, place after place.

A simple variant of Mangu, Brill and Stolcke, "Finding consensus in speech recognition" (2000): instead of
merging clusters pair by pair, each place is a frame, and the words that hold it compete there. Words that
share a frame never lie on one path, so that the posteriors of a place sum to at most 1.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chalicelib.engines.protocol import WordSlot
from chalicelib.engines.sphinx.acoustics.features import FRAMES_PER_S
from chalicelib.engines.sphinx.lattices.lattice import Arc, Lattice, coverage

LEAST_POSTERIOR = 1e-3
"""A less likely word is left out."""
_LEAST_PLACE = 0.01
"""Where the best reading has no word, what is less likely makes no place."""
_LEAST_ARC = 1e-5


@dataclass(frozen=True)
class _ConfusionSlot:
    pivot: int
    """The frame that all words of the place hold."""
    first_frame: int
    last_frame: int
    best: str = ""
    """Its word of the best reading."""


def confusion_network(lattice: Lattice, best: Sequence[Arc]) -> tuple[WordSlot, ...]:
    """Return the places of an utterance in order and apart, each word of `best` in one of its own.

    Args:
        lattice: of the utterance.
        best: the words of the best reading, in order.
    """
    arcs = [arc for arc in lattice.arcs if arc.posterior >= _LEAST_ARC]
    places = [
        _ConfusionSlot(_likeliest_frame(lattice, word), word.first_frame, word.last_frame, word.text)
        for word in best
    ]
    places = _apart(sorted([*places, *_further(arcs, places, lattice.frames)], key=lambda place: place.pivot))
    pivots = [place.pivot for place in places]
    words: list[dict[str, float]] = [{place.best: 0.0} if place.best else {} for place in places]
    for arc in arcs:
        held = range(bisect_left(pivots, arc.first_frame), bisect_right(pivots, arc.last_frame))
        if held:
            chosen = words[max(held, key=lambda place: _likeness(arc, places[place]))]
            chosen[arc.text] = chosen.get(arc.text, 0.0) + arc.posterior
    return tuple(
        WordSlot(
            place.first_frame / FRAMES_PER_S,
            (place.last_frame + 1) / FRAMES_PER_S,
            tuple(
                (word, min(posterior, 1.0))
                for word, posterior in sorted(competing.items(), key=lambda item: (-item[1], item[0]))
                if posterior >= LEAST_POSTERIOR or word == place.best
            ),
        )
        for place, competing in zip(places, words, strict=True)
        if place.best or max(competing.values(), default=0.0) >= _LEAST_PLACE
    )


def _likeliest_frame(lattice: Lattice, word: Arc) -> int:
    """Return the middle one of the frames in which a word is likeliest."""
    posteriors = lattice.frame_posteriors(word.text, word.first_frame, word.last_frame)
    likeliest = np.flatnonzero(posteriors >= posteriors.max() - 1e-9)
    return word.first_frame + int(likeliest[len(likeliest) // 2])


def _further(arcs: Sequence[Arc], places: Sequence[_ConfusionSlot], frames: int) -> list[_ConfusionSlot]:
    """Return places between the words of the best reading, for words that hold none of theirs.

    What lies within one of its words without holding that word's place is part of a finer division: left out.
    """
    pivots = sorted(place.pivot for place in places)
    left = [
        arc for arc in arcs if bisect_left(pivots, arc.first_frame) == bisect_right(pivots, arc.last_frame)
    ]
    free = np.ones(frames, np.bool_)
    for place in places:
        free[place.first_frame : place.last_frame + 1] = False
    found: list[_ConfusionSlot] = []
    while left:
        spans = np.array([(arc.first_frame, arc.last_frame, arc.posterior) for arc in left])
        mass = coverage(spans[:, 0], spans[:, 1], spans[:, 2], 0, frames - 1) * free
        pivot = int(mass.argmax())
        if mass[pivot] < _LEAST_PLACE:
            break
        holding = [arc for arc in left if arc.first_frame <= pivot <= arc.last_frame]
        likeliest = max(holding, key=lambda arc: arc.posterior)
        found.append(_ConfusionSlot(pivot, likeliest.first_frame, likeliest.last_frame))
        left = [arc for arc in left if not arc.first_frame <= pivot <= arc.last_frame]
    return found


def _apart(places: Sequence[_ConfusionSlot]) -> list[_ConfusionSlot]:
    """Cut places that overlap: words of the best reading keep their times, others meet half-way."""
    apart: list[_ConfusionSlot] = []
    for place in places:
        first = place.first_frame
        if apart and apart[-1].last_frame >= first:
            before = apart[-1]
            if place.best:
                border = first
            elif before.best:
                border = before.last_frame + 1
            else:
                border = (max(first, before.pivot + 1) + min(before.last_frame + 1, place.pivot) + 1) // 2
            apart[-1] = dataclasses.replace(before, last_frame=border - 1)
            first = border
        apart.append(dataclasses.replace(place, first_frame=first))
    return apart


def _likeness(arc: Arc, place: _ConfusionSlot) -> float:
    """Return how far the spans agree: the share of what they cover together that they have in common."""
    common = min(arc.last_frame, place.last_frame) - max(arc.first_frame, place.first_frame) + 1
    together = max(arc.last_frame, place.last_frame) - min(arc.first_frame, place.first_frame) + 1
    return common / together
