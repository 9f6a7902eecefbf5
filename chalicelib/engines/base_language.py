"""What training a custom language model needs of a base version. Imports no engine until it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.engines.vocabulary import Vocabulary, bundled_language_folder, vocabulary

if TYPE_CHECKING:
    from chalicelib.language.ngrams import NGrams


class BundledLanguage:
    """The language of the base versions that pocketsphinx's bundled model makes."""

    def __init__(self, version: str, words: Vocabulary) -> None:
        self.version = version
        self._words = words

    def known(self, word: str) -> bool:
        """Return whether the base vocabulary has a word, given in lower case."""
        return self._words.known(word)

    def pronunciations(self, word: str) -> tuple[str, ...]:
        """Return the phones of a word of the base vocabulary, nothing for another word."""
        return self._words.pronunciations(word)

    def ngrams(self) -> NGrams:
        """Return the base model (3.7 million n-grams, 0.9 s)."""
        from chalicelib.engines.sphinx.trie import read_trie

        return read_trie(bundled_language_folder() / "en-us.lm.bin")

    def rendered(self, model: NGrams) -> bytes:
        """Return a model as the engine reads it."""
        from chalicelib.engines.sphinx.language import decoder_content

        return decoder_content(model)


def base_language(base_version: str) -> BundledLanguage:
    """Return the language of a base version.

    Raises:
        KeyError: no served model has that version.
    """
    return BundledLanguage(base_version, vocabulary(base_version))
