"""The words that a base version knows, with their pronunciations. Imports no engine and no NumPy."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from chalicelib.engines import catalogue

if TYPE_CHECKING:
    from chalicelib.engines.whisper.common_words import CommonWords


class Vocabulary(Protocol):
    """What words are ordinary, and how they are said; words in lower case."""

    def known(self, word: str) -> bool:
        """Return whether the base version has a word: it is not listed as out of the vocabulary."""
        ...

    def pronunciations(self, word: str) -> tuple[str, ...]:
        """Return how a word is said; nothing for one whose pronunciation has to be guessed."""
        ...


@dataclass(frozen=True)
class Dictionary:
    """A pronouncing dictionary."""

    entries: Mapping[str, tuple[str, ...]]
    """Each word's pronunciations, commonest first, phones separated by spaces."""

    def known(self, word: str) -> bool:
        """Return whether it has a word."""
        return word in self.entries

    def pronunciations(self, word: str) -> tuple[str, ...]:
        """Return how a word is said; nothing for one that is not known."""
        return self.entries.get(word, ())


def known(base_version: str) -> Callable[[str], bool]:
    """Return what tells whether a base version has a word, given in lower case.

    Raises:
        KeyError: no served model has that version.
    """
    return vocabulary(base_version).known


def vocabulary(base_version: str) -> Vocabulary:
    """Return the vocabulary of a base version (0.2 s and 40 MB when it is first needed).

    It is the dictionary of US English that comes with pocketsphinx, whichever engine the version has: a
    network can write any word, but only those that are out of a vocabulary are worth listing. Where
    pocketsphinx is not installed, it is the words that the embedded network writes as one token.

    Raises:
        KeyError: no served model has that version.
    """
    engine = catalogue.base_version(base_version).engine
    if engine != "sphinx" and not has_bundled_language():
        return common_words()
    return _bundled_dictionary()


@functools.cache
def _bundled_dictionary() -> Dictionary:
    return Dictionary(read_dictionary(bundled_language_folder() / "cmudict-en-us.dict"))


@functools.cache
def common_words() -> CommonWords:
    """Return the words that the embedded network writes as one token."""
    from chalicelib.engines.whisper.common_words import embedded_vocabulary, read_common_words

    return read_common_words(embedded_vocabulary())


def has_bundled_language() -> bool:
    """Return whether US English as pocketsphinx brings it is on this machine."""
    return importlib.util.find_spec("pocketsphinx") is not None


def bundled_language_folder() -> Path:
    """Return the folder of US English that pocketsphinx brings along, without importing it."""
    found = importlib.util.find_spec("pocketsphinx")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("pocketsphinx is not installed: pip install -r requirements/engine.txt")
    return Path(found.origin).parent / "model" / "en-us"


def read_dictionary(path: Path) -> dict[str, tuple[str, ...]]:
    """Read a dictionary in the CMU format; further pronunciations follow as `word(2)`."""
    entries: dict[str, tuple[str, ...]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            word, _, phones = line.rstrip("\n").partition(" ")
            if word.endswith(")") and (start := word.rfind("(")) > 0:
                word = word[:start]
            if word:
                entries[word] = (*entries.get(word, ()), phones)
    return entries
