"""How each base version searches for words: what it sets differently from pocketsphinx, and its best path."""

from __future__ import annotations

from dataclasses import dataclass, field

Settings = dict[str, float | int | bool]


@dataclass(frozen=True)
class PathWeights:
    """How words are weighed against sounds on the best path through the lattice."""

    language: float
    """Times the natural logarithm of a word's probability after the two before."""
    word: float
    """Added for each word."""


@dataclass(frozen=True)
class Search:
    """A search for words, and for the best path through what it found possible."""

    settings: Settings = field(default_factory=dict)
    """Of pocketsphinx."""
    best_path: PathWeights | None = None
    """None: pocketsphinx's own best path."""


ORIGINAL = Search()
"""pocketsphinx's own: a tree-lexicon pass, a flat-lexicon pass, then the lattice."""
QUICK = Search(
    settings={"fwdflat": False, "maxhmmpf": 5000},
    best_path=PathWeights(language=11.0, word=-6.0),
)
"""Without the flat-lexicon pass and with fewer active states, half as fast again; a path of fewer words."""

_ORIGINAL_VERSIONS = frozenset({"en-US_BroadbandModel.v2018-07-31"})


def settings_of(version: str) -> Search:
    """Return the search of a base version."""
    return ORIGINAL if version in _ORIGINAL_VERSIONS else QUICK
