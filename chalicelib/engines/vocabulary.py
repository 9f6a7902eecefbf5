"""The words that a base version knows, with their pronunciations. Imports no engine and no NumPy."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

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
    return {"sphinx": _bundled_dictionary}[catalogue.base_version(base_version).engine]()


@functools.cache
def _bundled_dictionary() -> Vocabulary:
    return Vocabulary(read_dictionary(bundled_language_folder() / "cmudict-en-us.dict"))


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
