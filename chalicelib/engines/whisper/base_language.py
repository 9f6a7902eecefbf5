"""What training a custom language model needs of ordinary language, where only networks are installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chalicelib.engines.whisper.text.common_words import common_words
from chalicelib.language.ngram_models.ngrams import Chances, NGrams


class NetworkLanguage:
    """US English as far as a network's vocabulary tells of it."""

    def __init__(self, versions: tuple[str, ...]) -> None:
        self.versions = versions
        """Where a custom model can be used: first the version that it is trained on."""
        self._words = common_words()

    def known(self, word: str) -> bool:
        """Return whether a word, given in lower case, is an ordinary one."""
        return self._words.known(word)

    def pronunciations(self, word: str) -> tuple[str, ...]:
        """Return nothing: how a word is said follows from its spelling."""
        return self._words.pronunciations(word)

    def chances(self, words: Sequence[str]) -> Chances:
        """Return about how likely each word is in ordinary text."""
        return np.array([self._words.chance(word.lower()) for word in words])

    def rendered(self, custom: NGrams | None, weight: float, extra: Sequence[str]) -> Mapping[str, bytes]:
        """Return nothing: the network's readings are weighed with the n-grams themselves."""
        return {}
