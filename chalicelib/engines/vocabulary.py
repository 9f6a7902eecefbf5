"""The words that a base version knows, with their pronunciations. Imports no engine and no NumPy."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.engines import availability, catalogue


@dataclass(frozen=True)
class Vocabulary:
    """A pronouncing dictionary; words in lower case."""

    entries: Mapping[str, tuple[str, ...]]
    """Each word's pronunciations, commonest first, phones separated by spaces."""

    def known(self, word: str) -> bool:
        """Return whether the base version has a word."""
        return word in self.entries

    def pronunciations(self, word: str) -> tuple[str, ...]:
        """Return how a word is said; nothing for one that is not known."""
        return self.entries.get(word, ())


_VOCABULARIES = {
    "sphinx": ("chalicelib.engines.sphinx.dictionary", "bundled_vocabulary"),
    "whisper": ("chalicelib.engines.whisper.text.common_words", "common_words"),
}
"""The engine's name in the catalogue: module and function, imported when it is first needed."""
_DICTIONARY = "sphinx"
"""The engine that brings a pronouncing dictionary. A network can write any word; but where the dictionary is
installed, the words out of it are worth listing for every engine, and models go from one to the other."""


def known(base_version: str) -> Callable[[str], bool]:
    """Return what tells whether a base version has a word, given in lower case.

    Raises:
        KeyError: no served model has that version.
    """
    return vocabulary(base_version).known


def teller(base_version: str) -> str:
    """Return the engine that tells the vocabulary of a base version.

    Raises:
        KeyError: no served model has that version.
    """
    own = catalogue.base_version(base_version).engine
    return _DICTIONARY if _DICTIONARY in availability.installed() else own


def vocabulary(base_version: str) -> Vocabulary:
    """Return the vocabulary of a base version (0.2 s and 40 MB when it is first needed).

    Raises:
        KeyError: no served model has that version.
    """
    module, function = _VOCABULARIES[teller(base_version)]
    words: Vocabulary = getattr(importlib.import_module(module), function)()
    return words
