"""How much likelier a custom language model makes a text than ordinary language does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from chalicelib.language.ngram_models.interpolation import WORD_CHANCE
from chalicelib.language.ngram_models.ngrams import Chances, NGrams, pair_keys, triple_keys
from chalicelib.language.ngram_models.sentence_marks import SENTENCE_END, SENTENCE_START
from chalicelib.language.spoken.tokenisation import Tokeniser

_RARE = 1e-7
"""The least probability of a word in ordinary language."""
_LEAST_RATIO = 0.02
"""However large the custom model's share, a word that it lacks may still have been said."""
_FREE_GAIN = 1.0
"""So much of a word's logarithm is not counted where it is above 0: else every further word would gain."""


class Preference:
    """A custom model beside ordinary language, of which no more is known than how common its words are.

    P(word | words before) = weight · P(custom) + (1 - weight) · P(ordinary), divided by P(ordinary). So words
    that the custom model lacks need no probability at all: they get 1 - weight.
    """

    def __init__(
        self,
        ngrams: NGrams | None,
        background: Chances | None,
        weight: float,
        words: Iterable[str] = (),
    ) -> None:
        """Take a custom model.

        Args:
            ngrams: of the corpora; None when there were none.
            background: how likely each word of the n-grams is in ordinary text.
            weight: share of the custom model, 0…1.
            words: custom words, which are to be likely even where no corpus holds them.
        """
        self._ngrams = ngrams
        self._weight = weight
        self._custom = frozenset(word.lower() for word in words)
        self._numbers: dict[str, int] = {}
        self._background = np.empty(0)
        if ngrams is not None:
            self._background = np.full(len(ngrams.words), _RARE)
            if background is not None:
                self._background = np.maximum(background, _RARE)
            for number in np.argsort(ngrams.chances, kind="stable").tolist():  # of two spellings the likelier
                self._numbers[ngrams.words[number].lower()] = number
        self._tokeniser = Tokeniser(self._holds, frozenset(words))

    def log_ratio(self, text: str) -> float:
        """Return the natural logarithm of the ratio of a text's probabilities, small gains left out.

        The text is read as corpora are: numbers spoken out, case and punctuation of no account.
        """
        return self.log_ratio_of_words(self._tokeniser.words(text))

    def log_ratio_of_words(self, words: Sequence[str]) -> float:
        """Return the same of words as corpora hold them."""
        lower = [word.lower() for word in words]
        ratios = self._ratios(lower)
        for place, word in enumerate(lower):
            if word in self._custom:
                ratios[place] = max(ratios[place], WORD_CHANCE / _RARE if word not in self._numbers else 1.0)
        logs = np.log(np.maximum(ratios, _LEAST_RATIO))
        gained = np.maximum(logs - _FREE_GAIN, 0.0)
        return float(np.where(logs > 0, gained, logs).sum())

    def _holds(self, word: str) -> bool:
        return word in self._numbers or word in self._custom

    def _ratios(self, words: Sequence[str]) -> Chances:
        """Return the ratio of each word, and of the end, given those before."""
        if self._ngrams is None:
            return np.ones(len(words) + 1)
        sentence = (SENTENCE_START, *words, SENTENCE_END)
        numbers = np.array([self._numbers.get(word, -1) for word in sentence], np.int64)
        chances = _chances(self._ngrams, numbers)
        ordinary = self._background[np.maximum(numbers[1:], 0)]
        mixed = self._weight * chances / ordinary + 1 - self._weight
        return np.asarray(mixed, np.float64)


def _chances(model: NGrams, numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Chances:
    """Return the probability of each number but the first, by as many before it as are known; 0 for -1."""
    word, before = numbers[1:], numbers[:-1]
    earlier = np.concatenate([[-1], numbers[:-2]])
    chances = np.where(word >= 0, model.chances[np.maximum(word, 0)], 0.0)
    two = (word >= 0) & (before >= 0)
    three = two & (earlier >= 0)
    chances[two] = model.chances_of_pairs(pair_keys(before[two], word[two]))
    chances[three] = model.chances_of_triples(triple_keys(earlier[three], before[three], word[three]))
    return np.asarray(chances, np.float64)
