"""Weighted readings of an utterance: which words compete in which place, and where keywords were said."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from chalicelib.engines.protocol import Hypothesis, KeywordHit, Word, WordSlot

LEAST_POSTERIOR = 1e-3
"""What is less likely is left out."""
TEMPERATURE = 0.1
"""Of the weights: a mean logarithm per token that is lower by so much makes a reading e times less likely."""

_LEAST_PLACE_S = 0.01
"""A place that has less room between its neighbours is left out."""
_GAP_COST = 0.7
"""Of a word without a counterpart; less than half of what two would cost, so that words pair up."""
_OTHER_WORD_COST = 1.0
_FARTHEST_S = 0.5
"""Words of two readings whose middles are so far apart cost `_DISTANCE_COST` more than those at one time."""
_DISTANCE_COST = 0.3

Ways = Callable[[str], Sequence[Sequence[str]]]
"""The word sequences, in lower case, that a keyword may mean."""


def weights(scores: Sequence[float], temperature: float = TEMPERATURE) -> tuple[float, ...]:
    """Return each reading's probability among its like; they sum to 1.

    Args:
        scores: mean natural logarithms per token, any finite numbers.
        temperature: the higher, the more alike the weights; above 0.

    Raises:
        ValueError: the temperature is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"a temperature of {temperature} is not above 0")
    if not scores:
        return ()
    scaled = np.asarray(scores, np.float64) / temperature
    likely = np.exp(scaled - scaled.max())
    return tuple((likely / likely.sum()).tolist())


def slots(readings: Sequence[Hypothesis]) -> tuple[WordSlot, ...]:
    """Return the confusion network of an utterance: places in order and apart.

    Every word of the first reading has a place with its own times. A word of another reading competes in
    the place of its counterpart, or gets a place of its own where there is room. Its posterior is what the
    readings that hold it there weigh together, each times its own posterior for the word.

    Args:
        readings: best first, each with its words in order and apart; their posteriors are their weights,
            brought down to a sum of 1 if it is more.
    """
    places = _aligned(readings).places
    found = []
    free_from_s = -np.inf
    for number, place in enumerate(places):
        start_s, end_s = place.word.start_s, place.word.end_s
        if not place.best:
            next_s = min((other.word.start_s for other in places[number + 1 :] if other.best), default=np.inf)
            start_s, end_s = max(start_s, free_from_s), min(end_s, next_s)
            if end_s - start_s < _LEAST_PLACE_S:
                continue
        likely = sorted(place.posteriors.items(), key=lambda item: (-item[1], item[0]))
        alternatives = tuple(
            (text, min(posterior, 1.0))
            for text, posterior in likely
            if posterior >= LEAST_POSTERIOR or (place.best and text == place.word.text)
        )
        if alternatives:
            found.append(WordSlot(start_s, end_s, alternatives))
            free_from_s = end_s
    return tuple(found)


def keyword_hits(
    readings: Sequence[Hypothesis], keywords: Sequence[str], ways: Ways | None = None
) -> tuple[KeywordHit, ...]:
    """Return where keywords were perhaps spoken, in the order of time; hits of one keyword never overlap.

    A phrase is as sure as its least sure word. What several readings have at one place is one hit, with the
    times of the weightiest among them.

    Args:
        readings: as for `slots`.
        keywords: phrases in lower case, words separated by single spaces.
        ways: what each may mean; None: the words that it is written with.
    """
    aligned = _aligned(readings)
    hits: list[KeywordHit] = []
    for keyword in keywords:
        meant = [keyword.split()] if ways is None else ways(keyword)
        sequences = [list(way) for way in meant if way]
        said = [one for number in range(len(readings)) for one in _said(readings, aligned, number, sequences)]
        hits += [KeywordHit(keyword, one.start_s, one.end_s, one.posterior) for one in _merged(said)]
    return tuple(sorted(hits, key=lambda hit: (hit.start_s, hit.end_s)))


@dataclass(eq=False)
class _Slot:
    word: Word
    """Whose times the place has: of the first reading, else of the weightiest that has a word there."""
    best: bool
    """Whether the word is the first reading's."""
    posteriors: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Aligned:
    places: list[_Slot]
    held: list[list[_Slot]]
    """By reading, the place of each of its words."""
    shares: list[float]
    """Each reading's weight; they sum to at most 1."""


def _aligned(readings: Sequence[Hypothesis]) -> _Aligned:
    """Align readings, the first and then the weightiest first, with the places that those before made."""
    total = max(1.0, math.fsum(reading.posterior for reading in readings))
    shares = [reading.posterior / total for reading in readings]
    places: list[_Slot] = []
    held: list[list[_Slot]] = [[] for _ in readings]
    for number in sorted(range(len(readings)), key=lambda number: (number > 0, -shares[number])):
        words = readings[number].words
        places, held[number] = _joined(places, words, best=number == 0)
        for word, place in zip(words, held[number], strict=True):
            mass = shares[number] * word.posterior
            place.posteriors[word.text] = place.posteriors.get(word.text, 0.0) + mass
    return _Aligned(places, held, shares)


def _joined(places: Sequence[_Slot], words: Sequence[Word], *, best: bool) -> tuple[list[_Slot], list[_Slot]]:
    """Return the places with those that words without a counterpart add, and the place of each word."""
    cost = np.zeros((len(places) + 1, len(words) + 1))
    cost[:, 0] = _GAP_COST * np.arange(len(places) + 1)
    cost[0] = _GAP_COST * np.arange(len(words) + 1)
    paired = np.array([[_difference(place, word) for word in words] for place in places])
    for row, column in np.ndindex(len(places), len(words)):
        cost[row + 1, column + 1] = min(
            cost[row, column] + paired[row, column],
            cost[row, column + 1] + _GAP_COST,
            cost[row + 1, column] + _GAP_COST,
        )
    joined: list[_Slot] = []
    held: list[_Slot] = []
    row, column = len(places), len(words)
    while row or column:
        here = cost[row, column]
        if row and column and here == cost[row - 1, column - 1] + paired[row - 1, column - 1]:
            row, column = row - 1, column - 1
            joined.append(places[row])
            held.append(places[row])
        elif not row or (column and here == cost[row, column - 1] + _GAP_COST):
            column -= 1
            held.append(_Slot(words[column], best))
            joined.append(held[-1])
        else:
            row -= 1
            joined.append(places[row])
    return joined[::-1], held[::-1]


def _difference(place: _Slot, word: Word) -> float:
    apart_s = abs(place.word.start_s + place.word.end_s - word.start_s - word.end_s) / 2
    other = 0.0 if word.text in place.posteriors else _OTHER_WORD_COST
    return other + _DISTANCE_COST * min(1.0, apart_s / _FARTHEST_S)


@dataclass(frozen=True)
class _Occurrence:
    """A keyword in one reading."""

    start_s: float
    end_s: float
    first_place: int
    last_place: int
    share: float
    """The reading's weight."""
    posterior: float
    reading: int

    def meets(self, other: _Occurrence) -> bool:
        """Tell whether both are at one place, by the alignment of words or by time."""
        by_place = self.first_place <= other.last_place and other.first_place <= self.last_place
        return by_place or (self.start_s < other.end_s and other.start_s < self.end_s)


def _said(
    readings: Sequence[Hypothesis], aligned: _Aligned, number: int, ways: Sequence[Sequence[str]]
) -> list[_Occurrence]:
    """Return the occurrences in a reading from left to right, none overlapping the one before."""
    words = readings[number].words
    tokens = [(token, place) for place, word in enumerate(words) for token in word.text.lower().split()]
    numbers = {id(place): count for count, place in enumerate(aligned.places)}
    found = []
    at, free_from = 0, 0
    while at < len(tokens):
        fitting = [
            len(way)
            for way in ways
            if tokens[at][1] >= free_from and [token for token, _ in tokens[at : at + len(way)]] == list(way)
        ]
        if not fitting:
            at += 1
            continue
        first, last = tokens[at][1], tokens[at + max(fitting) - 1][1]
        least = min(word.posterior for word in words[first : last + 1])
        found.append(
            _Occurrence(
                words[first].start_s,
                words[last].end_s,
                numbers[id(aligned.held[number][first])],
                numbers[id(aligned.held[number][last])],
                aligned.shares[number],
                aligned.shares[number] * least,
                number,
            )
        )
        at, free_from = at + max(fitting), last + 1
    return found


def _merged(said: Sequence[_Occurrence]) -> list[_Occurrence]:
    """Return one occurrence for all at one place: the weightiest reading's times, the sum of posteriors."""
    left = sorted(said, key=lambda one: (-one.share, one.reading, one.start_s))
    found = []
    while left:
        chief, *others = left
        meeting = [one for one in others if one.meets(chief)]
        once = {one.reading: one.posterior for one in reversed(meeting)} | {chief.reading: chief.posterior}
        posterior = min(1.0, sum(once.values()))
        if posterior >= LEAST_POSTERIOR:
            found.append(replace(chief, posterior=posterior))
        left = [one for one in others if not one.meets(chief)]
    return found
