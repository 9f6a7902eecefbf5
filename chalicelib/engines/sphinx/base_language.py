"""What training a custom language model needs of the language that pocketsphinx brings along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chalicelib.engines import catalogue
from chalicelib.engines.sphinx.dictionary import bundled_language_folder, bundled_vocabulary
from chalicelib.engines.sphinx.language import bundled_ngrams, decoder_content
from chalicelib.engines.sphinx.trie import read_unigrams
from chalicelib.language.ngram_models.interpolation import interpolated
from chalicelib.language.ngram_models.ngrams import Chances, NGrams

ENGINE = "sphinx"


class BundledLanguage:
    """The language of the base versions that pocketsphinx's bundled model makes."""

    def __init__(self, versions: tuple[str, ...]) -> None:
        self.versions = versions
        """Where a custom model can be used: first the version that it is trained on."""
        self._words = bundled_vocabulary()

    def known(self, word: str) -> bool:
        """Return whether the base vocabulary has a word, given in lower case."""
        return self._words.known(word)

    def pronunciations(self, word: str) -> tuple[str, ...]:
        """Return the phones of a word of the base vocabulary, nothing for another word."""
        return self._words.pronunciations(word)

    def chances(self, words: Sequence[str]) -> Chances:
        """Return how likely each word is in ordinary text; 0 for one that has no place there."""
        listed = read_unigrams(bundled_language_folder() / "en-us.lm.bin")
        return np.array([listed.get(word, 0.0) for word in words])

    def rendered(self, custom: NGrams | None, weight: float, extra: Sequence[str]) -> Mapping[str, bytes]:
        """Return the mixture with a custom model as the decoder reads it, if it is the one to be trained for.

        Where it is not, the mixture is made when a version of this engine is asked for.
        """
        if catalogue.base_version(self.versions[0]).engine != ENGINE:
            return {}
        return {ENGINE: decoder_content(interpolated(bundled_ngrams(), custom, weight, extra))}
