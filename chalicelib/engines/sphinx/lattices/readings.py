"""The likeliest different readings in a lattice, each with its own word times."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chalicelib.engines.sphinx.lattices.lattice import Arc, Lattice
from chalicelib.language.ngram_models.sentence_marks import SENTENCE_END, SENTENCE_START

LEAST_POSTERIOR = 1e-5
"""Links that are less likely are not followed."""
_LEAST_OF_BEST = (1e-3, 1e-4, LEAST_POSTERIOR)
"""The same for the best path: as long as there is one, it is found ten times as fast among fewer links."""
_MOST_STEPS = 50_000

LanguageScore = Callable[[str, str, str], float]
"""Natural logarithm, as the search weighs it, of a word after the last word and the one before (or "")."""


@dataclass(frozen=True)
class ScoredReading:
    """One reading: its words by time, and the weighted logarithm of its likelihood."""

    words: tuple[Arc, ...]
    score: float


_Onward = tuple[int, float]
"""A step by its place, and what it adds to the score."""


_Entry = tuple[float, int, float, int, int, tuple[int, ...]]
"""Estimate (negative), order, score, place, word sequence before the last word, places passed."""


class _Step(NamedTuple):
    """From a word to the one after it, by the likeliest silence and noise between them."""

    source: int
    target: int
    score: float
    last_frame: int
    """Of the source's word."""


def best_path(lattice: Lattice, language: LanguageScore) -> tuple[Arc, ...] | None:
    """Return the words of the best path by acoustic and trigram scores.

    A word's posterior is, as pocketsphinx counts it, that of this word beginning at this frame.
    Returns None where no path is likely enough, () where the best one has no words.
    """
    label = _labels(lattice)
    begun = np.minimum(np.bincount(lattice.sources, lattice.posteriors, len(lattice.words)), 1.0)
    for least_posterior in _LEAST_OF_BEST:
        steps = _steps(lattice, least_posterior)
        onwards = _onwards(steps, label, language)
        to_come = _scores_to_come(steps, onwards, lattice.end)
        score, place = max(
            (
                (step.score + language(label[step.target], SENTENCE_START, "") + to_come[place], place)
                for place, step in enumerate(steps)
                if step.source == lattice.start
            ),
            default=(-np.inf, 0),
        )
        if score > -np.inf:
            way = [steps[place]]
            while way[-1].target != lattice.end:
                _, place = max((added + to_come[after], after) for after, added in onwards[place])
                way.append(steps[place])
            return tuple(
                Arc(
                    lattice.words[step.source],
                    int(lattice.first_frames[step.source]),
                    step.last_frame,
                    float(begun[step.source]),
                )
                for step in way[1:]
            )
    return None


def readings(lattice: Lattice, language: LanguageScore) -> Iterator[ScoredReading]:
    """Yield different word sequences, best score first, until there are no more or too many steps were taken.

    The score is acoustic and trigram, as in the decoder's own search for the best path. In this A* search the
    estimate of what is still to come is exact, so that sequences are met in their order, each with its best
    silences, pronunciations and times.

    Args:
        lattice: of the utterance.
        language: weighs words.
    """
    label = _labels(lattice)
    steps = _steps(lattice, LEAST_POSTERIOR)
    onwards = _onwards(steps, label, language)
    to_come = _scores_to_come(steps, onwards, lattice.end)
    order = itertools.count()
    sequences: dict[tuple[int, str], int] = {}
    queue: list[_Entry] = [
        (-(score + to_come[place]), next(order), score, place, 0, (place,))
        for place, score in (
            (place, step.score + language(label[step.target], SENTENCE_START, ""))
            for place, step in enumerate(steps)
            if step.source == lattice.start
        )
    ]
    heapq.heapify(queue)
    seen: set[tuple[int, int]] = set()
    given: set[int] = set()
    for _ in range(_MOST_STEPS):
        if not queue:
            return
        _, _, score, place, sequence, way = heapq.heappop(queue)
        if (place, sequence) in seen:
            continue
        seen.add((place, sequence))
        target = steps[place].target
        if target == lattice.end:
            if sequence not in given:
                given.add(sequence)
                yield ScoredReading(_words(lattice, [steps[passed] for passed in way]), score)
            continue
        longer = sequences.setdefault((sequence, label[target]), len(sequences) + 1)
        for following, added in onwards[place]:
            if (following, longer) not in seen and to_come[following] > -np.inf:
                total = score + added
                entry = (
                    -(total + to_come[following]),
                    next(order),
                    total,
                    following,
                    longer,
                    (*way, following),
                )
                heapq.heappush(queue, entry)


def _labels(lattice: Lattice) -> dict[int, str]:
    return dict(enumerate(lattice.words)) | {lattice.start: SENTENCE_START, lattice.end: SENTENCE_END}


def _words(lattice: Lattice, way: Sequence[_Step]) -> tuple[Arc, ...]:
    words = []
    for step in way[1:]:
        text, first = lattice.words[step.source], int(lattice.first_frames[step.source])
        words.append(Arc(text, first, step.last_frame, lattice.posterior(text, first, step.last_frame)))
    return tuple(words)


def _steps(lattice: Lattice, least_posterior: float) -> list[_Step]:
    """Return the likely links between words in order of time, silence and noise in between taken out."""
    is_end = np.zeros(len(lattice.words), np.bool_)
    is_end[[lattice.start, lattice.end]] = True
    stops = [bool(word) or bool(end) for word, end in zip(lattice.words, is_end, strict=True)]
    links: dict[int, list[tuple[int, float]]] = defaultdict(list)
    likely = lattice.posteriors >= least_posterior
    for source, target, score in zip(
        lattice.sources[likely].tolist(),
        lattice.targets[likely].tolist(),
        lattice.scores[likely].tolist(),
        strict=True,
    ):
        links[source].append((target, score))
    # From a filler to the words that may follow it, the latest fillers first.
    beyond: dict[int, dict[int, float]] = {}
    for node in np.argsort(-lattice.first_frames, kind="stable").tolist():
        if stops[node]:
            continue
        reached = beyond[node] = {}
        for target, score in links.get(node, ()):
            onwards = {target: 0.0} if stops[target] else beyond[target]
            for word, rest in onwards.items():
                if score + rest > reached.get(word, -np.inf):
                    reached[word] = score + rest
    steps: dict[tuple[int, int], _Step] = {}
    for node, exits in links.items():
        if not stops[node]:
            continue
        for target, score in exits:
            last_frame = int(lattice.first_frames[target]) - 1
            for word, rest in ({target: 0.0} if stops[target] else beyond[target]).items():
                known = steps.get((node, word))
                if known is None or score + rest > known.score:
                    steps[node, word] = _Step(node, word, score + rest, last_frame)
    return sorted(steps.values(), key=lambda step: step.last_frame)


def _onwards(
    steps: Sequence[_Step], label: Mapping[int, str], language: LanguageScore
) -> list[list[_Onward]]:
    """Return the steps that may follow each, with what they add; it knows the two words of a trigram."""
    exits: dict[int, list[int]] = defaultdict(list)
    for place, step in enumerate(steps):
        exits[step.source].append(place)
    return [
        [
            (following, steps[following].score + language(label[steps[following].target], word, before))
            for following in exits[step.target]
        ]
        for step in steps
        for word, before in ((label[step.target], label[step.source]),)
    ]


def _scores_to_come(steps: Sequence[_Step], onwards: Sequence[Sequence[_Onward]], end: int) -> list[float]:
    """Return the best score of what follows each step up to the end."""
    to_come = [0.0] * len(steps)
    for place in range(len(steps) - 1, -1, -1):
        if steps[place].target != end:
            to_come[place] = max((added + to_come[after] for after, added in onwards[place]), default=-np.inf)
    return to_come
