"""A back-off trigram model as arrays, and the probabilities it gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]
Chances = NDArray[np.float64]

WORD_BITS = 21
"""A key holds word numbers of so many bits, the latest word lowest: three fit into 63."""
MAX_VOCABULARY = 1 << WORD_BITS
_MASK = MAX_VOCABULARY - 1


def pair_keys(history: Keys, word: Keys) -> Keys:
    """Return the keys of bigrams."""
    return (history << WORD_BITS) | word


def triple_keys(before: Keys, history: Keys, word: Keys) -> Keys:
    """Return the keys of trigrams, oldest word first."""
    return (((before << WORD_BITS) | history) << WORD_BITS) | word


def last_word(keys: Keys) -> Keys:
    """Return the word that n-grams predict."""
    return keys & _MASK


def history_of(keys: Keys) -> Keys:
    """Return the key of what stands before the last word: a word number, or a bigram's key."""
    return keys >> WORD_BITS


def shortened(keys: Keys) -> Keys:
    """Return the bigrams that trigrams end in."""
    return keys & ((1 << 2 * WORD_BITS) - 1)


@dataclass(frozen=True)
class NGrams:
    """Probabilities and back-off weights (both plain, not logarithms) of n-grams up to three words.

    Every trigram's first and last two words are among the bigrams.
    """

    words: tuple[str, ...]
    """The vocabulary with both sentence marks; a word's place is its number."""
    chances: Chances
    """Shape (words,); 0 for the start of the sentence, which is never predicted."""
    backoffs: Chances
    pairs: Keys
    """Sorted keys of the bigrams."""
    pair_chances: Chances
    pair_backoffs: Chances
    triples: Keys
    """Sorted keys of the trigrams."""
    triple_chances: Chances

    def chances_of_pairs(self, keys: Keys) -> Chances:
        """Return P(word | history) of any bigrams, backing off where needed."""
        place, found = lookup(self.pairs, keys)
        backed_off = self.backoffs[history_of(keys)] * self.chances[last_word(keys)]
        if not len(self.pairs):
            return backed_off
        return np.where(found, self.pair_chances[place], backed_off)

    def backoffs_of_pairs(self, keys: Keys) -> Chances:
        """Return the back-off weights of histories of two words; 1 for one that the model does not hold."""
        if not len(self.pairs):
            return np.ones(len(keys))
        place, found = lookup(self.pairs, keys)
        return np.where(found, self.pair_backoffs[place], 1.0)

    def chances_of_triples(self, keys: Keys) -> Chances:
        """Return P(word | two words before) of any trigrams, backing off where needed."""
        backed_off = self.backoffs_of_pairs(history_of(keys)) * self.chances_of_pairs(shortened(keys))
        if not len(self.triples):
            return backed_off
        place, found = lookup(self.triples, keys)
        return np.where(found, self.triple_chances[place], backed_off)

    def numbers(self) -> dict[str, int]:
        """Return each word's number."""
        return {word: number for number, word in enumerate(self.words)}


def lookup(ordered: Keys, keys: Keys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where keys stand in sorted ones (0 for those that do not), and whether they do."""
    if not len(ordered):
        return np.zeros(len(keys), np.intp), np.zeros(len(keys), np.bool_)
    place = np.searchsorted(ordered, keys)
    place[place == len(ordered)] = 0
    return place, ordered[place] == keys
