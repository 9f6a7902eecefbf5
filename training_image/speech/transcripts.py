"""Finds, in the sentences of a helper language model's corpora, the transcript of what was just heard.

Corpora often hold the very transcripts of the audio without saying which belongs to which recording. What was
heard and agrees with a stretch of text well enough is taken to be it: lightly supervised training (Lamel,
Gauvain and Adda, 2002).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from chalicelib.language.edit_distance import edit_distance

FEWEST_WORDS = 3
"""Shorter texts stand everywhere."""
MOST_ERRORS = 1 / 3
"""Share of a transcript's words that may have been heard otherwise."""
_COMMON = 40
"""Pairs of words that occur more often say little about the place."""
_PLACES_TRIED = 6
_MARGIN_WORDS = 4


@dataclass(frozen=True)
class _Match:
    errors: int
    first: int
    end: int


class Transcripts:
    """The text of the corpora, to be searched."""

    def __init__(self, sentences: Iterable[Sequence[str]]) -> None:
        number: dict[str, int] = {}
        numbers: list[int] = []
        starts: list[int] = []
        for sentence in sentences:
            starts.append(len(numbers))
            numbers.extend(number.setdefault(word, len(number)) for word in sentence)
        self._words = tuple(number)
        self._number = number
        self._text = np.array(numbers, np.int64)
        self._starts = np.array([*starts, len(numbers)], np.int64)
        pairs = self._text[:-1] * (len(number) + 1) + self._text[1:]
        self._order = np.argsort(pairs, kind="stable")
        self._pairs = pairs[self._order]

    def find(self, heard: Sequence[str]) -> tuple[str, ...] | None:
        """Return the words that were probably spoken; None when no text is near enough."""
        if len(heard) < FEWEST_WORDS or len(self._text) < FEWEST_WORDS:
            return None
        numbers = [self._number.get(word, -1) for word in heard]
        matches = [self._aligned(numbers, place) for place in self._places(numbers)]
        if not matches:
            return None
        best = min(matches, key=lambda match: (match.errors, match.first))
        first, end = self._whole_sentence(best, numbers)
        if end - first < FEWEST_WORDS:
            return None
        errors = edit_distance(numbers, self._text[first:end].tolist())
        if errors > MOST_ERRORS * (end - first):
            return None
        return tuple(self._words[word] for word in self._text[first:end])

    def _places(self, heard: Sequence[int]) -> list[int]:
        """Return where in the text the hypothesis may begin, likeliest first."""
        votes: Counter[int] = Counter()
        for offset, (one, two) in enumerate(itertools.pairwise(heard)):
            if one < 0 or two < 0:
                continue
            key = one * (len(self._words) + 1) + two
            first, end = np.searchsorted(self._pairs, (key, key + 1))
            if end - first <= _COMMON:
                votes.update((self._order[first:end] - offset).tolist())
        near: Counter[int] = Counter()
        for place, count in votes.items():  # a word too many or too few moves the rest
            for moved in (place - 1, place, place + 1):
                near[place] += votes.get(moved, 0) if moved != place else count
        return [place for place, _ in near.most_common(_PLACES_TRIED)]

    def _aligned(self, heard: Sequence[int], place: int) -> _Match:
        """Align all that was heard with a stretch of text near a place, its ends free."""
        begin = max(0, place - _MARGIN_WORDS)
        text = self._text[begin : place + len(heard) + _MARGIN_WORDS].tolist()
        row = [(0, start) for start in range(len(text) + 1)]
        for i, word in enumerate(heard, 1):
            above, row = row, [(i, 0)]
            for j, written in enumerate(text, 1):
                row.append(
                    min(
                        (above[j - 1][0] + (word != written), above[j - 1][1]),
                        (above[j][0] + 1, above[j][1]),
                        (row[j - 1][0] + 1, row[j - 1][1]),
                    )
                )
        end = min(range(len(row)), key=lambda j: row[j])
        return _Match(row[end][0], begin + row[end][1], begin + end)

    def _whole_sentence(self, match: _Match, heard: Sequence[int]) -> tuple[int, int]:
        """Return the sentence that a match lies in if it costs at most one more error than the match."""
        sentence = int(np.searchsorted(self._starts, match.first, side="right")) - 1
        first, end = int(self._starts[sentence]), int(self._starts[sentence + 1])
        is_near = end - first <= 2 * len(heard) + _MARGIN_WORDS
        if is_near and edit_distance(heard, self._text[first:end].tolist()) <= match.errors + 1:
            return first, end
        return match.first, match.end
