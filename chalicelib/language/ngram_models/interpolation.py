"""A custom model mixed into a base model: P = weight · P(custom) + (1 - weight) · P(base)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from chalicelib.language.ngram_models.ngrams import (
    WORD_BITS,
    Chances,
    Keys,
    NGrams,
    history_of,
    last_word,
    lookup,
    pair_keys,
    shortened,
    triple_keys,
)
from chalicelib.language.ngram_models.sentence_marks import SENTENCE_START

WORD_CHANCE = 2e-5
"""The least probability of a custom word, that of a word used now and then; corpora may give it more."""
WORDS_SHARE = 0.1
"""All custom words that no corpus holds get together at most so much."""
_LEAST = 1e-12


def interpolated(base: NGrams, custom: NGrams | None, weight: float, words: Iterable[str] = ()) -> NGrams:
    """Return one back-off model over the words of both, and further custom words.

    The mixture is exact for every n-gram that either model holds; back-off weights make the rest sum to one.

    Args:
        base: the base model.
        custom: the model of the corpora; None when there are none, and then the weight is of no account.
        weight: share of the custom model, 0…1.
        words: custom words that are to have a probability even where no corpus holds them.
    """
    extra = tuple(words)
    if custom is None:
        custom, weight = _empty(base), 0.0
    vocabulary = tuple(dict.fromkeys((*base.words, *custom.words, *extra)))
    number = {word: place for place, word in enumerate(vocabulary)}
    base = _widened(base, vocabulary)
    custom = _renumbered(custom, vocabulary, number)

    chances = weight * custom.chances + (1 - weight) * base.chances
    _raise(chances, np.array([number[word] for word in extra], np.int64))
    chances[number[SENTENCE_START]] = 0
    chances = np.maximum(chances, _LEAST) * (np.arange(len(chances)) != number[SENTENCE_START])
    chances /= chances.sum()

    triples = _union(base.triples, custom.triples)
    pairs = _union(base.pairs, custom.pairs)
    pair_chances = weight * custom.chances_of_pairs(pairs) + (1 - weight) * base.chances_of_pairs(pairs)
    triple_chances = weight * custom.chances_of_triples(triples)
    triple_chances += (1 - weight) * base.chances_of_triples(triples)
    pair_chances, triple_chances = np.maximum(pair_chances, _LEAST), np.maximum(triple_chances, _LEAST)

    backoffs = _backoffs(history_of(pairs), pair_chances, chances[last_word(pairs)], len(vocabulary))
    place, _ = lookup(pairs, history_of(triples))
    ending, _ = lookup(pairs, shortened(triples))
    pair_backoffs = _backoffs(place, triple_chances, pair_chances[ending], len(pairs))
    return NGrams(vocabulary, chances, backoffs, pairs, pair_chances, pair_backoffs, triples, triple_chances)


def _backoffs(histories: Keys, chances: Chances, lower: Chances, count: int) -> Chances:
    """Return the weights that leave each history's probabilities summing to one.

    A history whose n-grams already hold all that there is gives the rest next to nothing.
    """
    left = np.clip(1 - np.bincount(histories, chances, count), 1e-6, None)
    lower_left = np.clip(1 - np.bincount(histories, lower, count), 1e-6, None)
    return left / lower_left


def _raise(chances: Chances, places: Keys) -> None:
    """Lift custom words to the least that they are to have, at the cost of all words alike."""
    if not len(places):
        return
    least = min(WORD_CHANCE, WORDS_SHARE / len(places))
    lifted = np.maximum(chances[places], least)
    rest = chances.sum() - chances[places].sum()
    chances *= (1 - lifted.sum()) / rest if rest > lifted.sum() else 1.0
    chances[places] = lifted


def _union(left: Keys, right: Keys) -> Keys:
    """Return the keys of two sorted sets, sorted."""
    _, found = lookup(left, right)
    new = right[~found]
    return np.insert(left, np.searchsorted(left, new), new) if len(new) else left


def _widened(base: NGrams, vocabulary: tuple[str, ...]) -> NGrams:
    """Return the base model over a vocabulary that begins with its own words."""
    more = len(vocabulary) - len(base.words)
    return NGrams(
        vocabulary,
        np.concatenate([base.chances, np.zeros(more)]),
        np.concatenate([base.backoffs, np.ones(more)]),
        base.pairs,
        base.pair_chances,
        base.pair_backoffs,
        base.triples,
        base.triple_chances,
    )


def _renumbered(custom: NGrams, vocabulary: tuple[str, ...], number: dict[str, int]) -> NGrams:
    table = np.array([number[word] for word in custom.words], np.int64)
    chances, backoffs = np.zeros(len(vocabulary)), np.ones(len(vocabulary))
    chances[table], backoffs[table] = custom.chances, custom.backoffs
    pairs = pair_keys(table[history_of(custom.pairs)], table[last_word(custom.pairs)])
    before, ending = history_of(custom.triples), shortened(custom.triples)
    triples = triple_keys(table[before >> WORD_BITS], table[history_of(ending)], table[last_word(ending)])
    pair_order, triple_order = np.argsort(pairs), np.argsort(triples)
    return NGrams(
        vocabulary,
        chances,
        backoffs,
        pairs[pair_order],
        custom.pair_chances[pair_order],
        custom.pair_backoffs[pair_order],
        triples[triple_order],
        custom.triple_chances[triple_order],
    )


def _empty(base: NGrams) -> NGrams:
    keys, none = np.zeros(0, np.int64), np.zeros(0)
    return NGrams(base.words, base.chances * 0, np.ones(len(base.words)), keys, none, none, keys, none)
