"""Trigram models from sentences by interpolated modified Kneser-Ney smoothing (Chen and Goodman, 1998)."""

from __future__ import annotations

import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.language.ngram_models.ngrams import (
    MAX_VOCABULARY,
    Chances,
    Keys,
    NGrams,
    history_of,
    last_word,
    pair_keys,
    shortened,
    triple_keys,
)
from chalicelib.language.ngram_models.sentence_marks import SENTENCE_END, SENTENCE_START

Counts = NDArray[np.int64]

_START, _END, _OUTSIDE = 0, 1, -1
_MAX_TRIPLES = 4_000_000
"""Beyond so many different trigrams those seen once are left to the back-off."""
_PLAIN_DISCOUNTS = (0.5, 0.75, 0.9)
"""For counts of 1, 2 and more, where a corpus is too small to tell."""


class VocabularyTooLarge(Exception):
    """There are more different words than a model can number."""


@dataclass(frozen=True)
class NumberedText:
    """Sentences as one sequence of word numbers, each between the numbers of the sentence marks."""

    words: tuple[str, ...]
    numbers: NDArray[np.int32]
    """-1 for a word outside the vocabulary."""


def numbered(sentences: Iterable[Sequence[str]], vocabulary: Collection[str] | None = None) -> NumberedText:
    """Number the words of sentences; with a vocabulary given, others are outside.

    Raises:
        VocabularyTooLarge: more than two million different words.
    """
    number: dict[str, int] = {SENTENCE_START: _START, SENTENCE_END: _END}
    stream = array.array("i")
    append, get = stream.append, number.get
    for sentence in sentences:
        append(_START)
        for word in sentence:
            found = get(word)
            if found is None:
                inside = vocabulary is None or word in vocabulary
                found = number[word] = len(number) if inside else _OUTSIDE
            append(found)
        append(_END)
    kept = {word: place for word, place in number.items() if place != _OUTSIDE}
    return NumberedText(
        *_renumbered(kept, np.frombuffer(stream, np.int32) if stream else np.zeros(0, np.int32))
    )


def _renumbered(
    kept: dict[str, int], numbers: NDArray[np.int32]
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Close the gaps that words outside the vocabulary left in the numbering."""
    if len(kept) > MAX_VOCABULARY:
        raise VocabularyTooLarge(f"the corpora have more than {MAX_VOCABULARY:,} different words")
    table = np.full(max(kept.values()) + 2, _OUTSIDE, np.int32)
    table[list(kept.values())] = np.arange(len(kept), dtype=np.int32)
    return tuple(kept), table[numbers]  # -1 reads the table's last place, which is outside


def estimate(text: NumberedText) -> NGrams:
    """Return the model of a text; it gives every word of the text's vocabulary a probability."""
    pairs, pair_counts, triples, triple_counts = _counted(text.numbers)
    words = len(text.words)

    varied_pairs = pair_counts.copy()  # how many different words stand before; after a start, how often
    middle = history_of(pairs) != _START
    endings, before = np.unique(shortened(triples), return_counts=True)
    varied_pairs[middle] = 0
    varied_pairs[np.searchsorted(pairs, endings)] = before
    varied_pairs[middle & (varied_pairs == 0)] = 1  # only ever after a word outside the vocabulary
    varied_words = np.bincount(last_word(pairs), minlength=words).astype(np.int64)
    varied_words[_END] = max(1, varied_words[_END])
    varied_words[_START] = 0

    chances, _ = _smoothed(np.zeros(words, np.int64), varied_words, np.full(words, 1 / (words - 1)), 1)
    chances[_START] = 0
    chances /= chances.sum()
    histories = history_of(pairs)
    pair_chances, backoffs = _smoothed(histories, varied_pairs, chances[last_word(pairs)], words)
    place = np.searchsorted(pairs, history_of(triples))
    lower = pair_chances[np.searchsorted(pairs, shortened(triples))]
    kept = triple_counts > 1 if len(triples) > _MAX_TRIPLES else np.ones(len(triples), np.bool_)
    triple_chances, pair_backoffs = _smoothed(place, triple_counts, lower, len(pairs), kept)
    return NGrams(
        text.words, chances, backoffs, pairs, pair_chances, pair_backoffs, triples[kept], triple_chances
    )


def _counted(numbers: NDArray[np.int32]) -> tuple[Keys, Counts, Keys, Counts]:
    """Return the bigrams and trigrams inside sentences, sorted, with how often they occur."""
    stream = numbers.astype(np.int64)
    inside = (stream[1:] != _START) & (stream[1:] != _OUTSIDE) & (stream[:-1] != _OUTSIDE)
    keys = pair_keys(stream[:-1], stream[1:])[inside]
    pairs, pair_counts = np.unique(keys, return_counts=True)
    inside = inside[:-1] & inside[1:]
    keys = triple_keys(stream[:-2], stream[1:-1], stream[2:])[inside]
    triples, triple_counts = np.unique(keys, return_counts=True)
    return pairs, pair_counts, triples, triple_counts


def _smoothed(
    histories: Keys,
    counts: Counts,
    lower: Chances,
    history_count: int,
    kept: NDArray[np.bool_] | None = None,
) -> tuple[Chances, Chances]:
    """Return the probabilities of n-grams and the back-off weights of all histories.

    Args:
        histories: the place of each n-gram's history in 0…history_count.
        counts: how often each occurs.
        lower: each n-gram's probability by the order below.
        history_count: how many histories there are.
        kept: the n-grams that the model is to hold; the others' share goes to the back-off.
    """
    discounted = np.maximum(counts - _discounts(counts)[np.minimum(counts, 3)], 0.0)
    totals = np.bincount(histories, counts, history_count)
    if kept is not None:
        histories, discounted, lower = histories[kept], discounted[kept], lower[kept]
    given = np.bincount(histories, discounted, history_count)
    seen = totals > 0
    backoffs = np.divide(totals - given, totals, out=np.ones(history_count), where=seen)
    return discounted / totals[histories] + backoffs[histories] * lower, backoffs


def _discounts(counts: Counts) -> Chances:
    """Return what counts of 0, 1, 2 and three or more are lowered by."""
    of = np.bincount(counts[counts <= 4], minlength=5).astype(np.float64)
    if (of[1:5] == 0).any():
        return np.array([0.0, *_PLAIN_DISCOUNTS])
    share = of[1] / (of[1] + 2 * of[2])
    best = [k - (k + 1) * share * of[k + 1] / of[k] for k in (1, 2, 3)]
    # Repetitive texts give discounts outside their range, which would spoil the estimate.
    return np.array([0.0, *(float(np.clip(found, 0.1, 0.95 * k)) for k, found in enumerate(best, 1))])
