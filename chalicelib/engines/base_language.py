"""What training a custom language model needs of a base version. Imports no engine until it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from chalicelib.engines import catalogue
from chalicelib.engines.vocabulary import (
    Vocabulary,
    bundled_language_folder,
    common_words,
    has_bundled_language,
    vocabulary,
)

if TYPE_CHECKING:
    from chalicelib.language.ngrams import Chances, NGrams


class UsEnglish:
    """The language that the base versions of US English share, whatever their engines."""

    def __init__(self, versions: tuple[str, ...], words: Vocabulary) -> None:
        self.versions = versions
        """Where a custom model can be used: first the version that it is trained on."""
        self._words = words

    def known(self, word: str) -> bool:
        """Return whether the base vocabulary has a word, given in lower case."""
        return self._words.known(word)

    def pronunciations(self, word: str) -> tuple[str, ...]:
        """Return the phones of a word of the base vocabulary, nothing for another word."""
        return self._words.pronunciations(word)

    def ngrams(self) -> NGrams:
        """Return the base model that comes with pocketsphinx (3.7 million n-grams, 0.9 s)."""
        from chalicelib.engines.sphinx.trie import read_trie

        return read_trie(bundled_language_folder() / "en-us.lm.bin")

    def chances(self, words: Sequence[str]) -> Chances:
        """Return how likely each word is in ordinary text; 0 for one that has no place there.

        Without pocketsphinx it is guessed from the places of words in the embedded network's vocabulary.
        """
        import numpy as np

        if has_bundled_language():
            from chalicelib.engines.sphinx.trie import read_unigrams

            listed = read_unigrams(bundled_language_folder() / "en-us.lm.bin")
            return np.array([listed.get(word, 0.0) for word in words])
        common = common_words()
        return np.array([common.chance(word.lower()) for word in words])

    def rendered(self, custom: NGrams | None, weight: float, extra: Sequence[str]) -> Mapping[str, bytes]:
        """Return the mixture of the base model with a custom one, by the engines that want it ready-made.

        That is the engine of the version to be trained on; others make it themselves when they need it.
        """
        if catalogue.base_version(self.versions[0]).engine != "sphinx":
            return {}
        from chalicelib.engines.sphinx.language import decoder_content
        from chalicelib.language.interpolation import interpolated

        return {"sphinx": decoder_content(interpolated(self.ngrams(), custom, weight, extra))}


def base_language(base_version: str) -> UsEnglish:
    """Return the language of a base version.

    Raises:
        KeyError: no served model has that version.
    """
    return UsEnglish(shared_by(base_version), vocabulary(base_version))


def shared_by(base_version: str) -> tuple[str, ...]:
    """Return where a language model trained on a base version can be used, that version first.

    An acoustic model may still live on an older version of another engine, and the two are used together:
    so the newest older version of every other engine is among them.

    Raises:
        KeyError: no served model has that version.
    """
    model = catalogue.base_model_of_version(base_version)
    place = model.version_names.index(base_version)
    own = model.versions[place]
    usable = model.versions_with("language_models")
    older = {
        version.engine: version.name
        for version in model.versions[:place]
        if version.engine != own.engine and version.name in usable
    }
    return (base_version, *older.values())
