"""The pronouncing dictionary that pocketsphinx brings along, read without importing it or NumPy."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from chalicelib.engines.vocabulary import Vocabulary


@functools.cache
def bundled_vocabulary() -> Vocabulary:
    """Return the words of every base version that this engine loads (0.2 s and 40 MB the first time)."""
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
