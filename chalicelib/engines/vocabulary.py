"""The words that a base version knows, with their pronunciations. Imports no engine and no NumPy."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.engines import catalogue


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


_VOCABULARIES = {"sphinx": ("chalicelib.engines.sphinx.dictionary", "bundled_vocabulary")}
"""The engine's name in the catalogue: module and function, imported when it is first needed."""


def known(base_version: str) -> Callable[[str], bool]:
    """Return what tells whether a base version has a word, given in lower case.

    Raises:
        KeyError: no served model has that version.
    """
    return vocabulary(base_version).known


def vocabulary(base_version: str) -> Vocabulary:
    """Return the vocabulary of a base version (0.2 s and 40 MB when it is first needed).

    Raises:
        KeyError: no served model has that version.
    """
    module, function = _VOCABULARIES[catalogue.base_version(base_version).engine]
    words: Vocabulary = getattr(importlib.import_module(module), function)()
    return words
