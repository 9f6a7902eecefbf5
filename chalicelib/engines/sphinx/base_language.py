"""What training a custom language model needs of the language that pocketsphinx brings along."""

from __future__ import annotations

from chalicelib.engines.sphinx.dictionary import bundled_vocabulary
from chalicelib.engines.sphinx.language import bundled_ngrams, decoder_content
from chalicelib.language.ngrams import NGrams


class BundledLanguage:
    """The language of the base versions that pocketsphinx's bundled model makes."""

    def __init__(self, version: str) -> None:
        self.version = version
        self._words = bundled_vocabulary()

    def known(self, word: str) -> bool:
        """Return whether the base vocabulary has a word, given in lower case."""
        return self._words.known(word)

    def pronunciations(self, word: str) -> tuple[str, ...]:
        """Return the phones of a word of the base vocabulary, nothing for another word."""
        return self._words.pronunciations(word)

    def ngrams(self) -> NGrams:
        """Return the base model (3.7 million n-grams, 0.9 s)."""
        return bundled_ngrams()

    def rendered(self, model: NGrams) -> bytes:
        """Return a model as the engine reads it."""
        return decoder_content(model)
