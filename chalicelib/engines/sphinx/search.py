"""How each base version searches for words: what it sets differently from pocketsphinx's defaults."""

from __future__ import annotations

Settings = dict[str, float | int | bool]

ORIGINAL: Settings = {}
"""pocketsphinx's own: a tree-lexicon pass, a flat-lexicon pass, then the lattice."""
QUICK: Settings = {"fwdflat": False, "maxhmmpf": 5000}
"""Without the flat-lexicon pass and with fewer active states: about half as fast again, no less accurate."""

_ORIGINAL_VERSIONS = frozenset({"en-US_BroadbandModel.v2018-07-31"})


def settings_of(version: str) -> Settings:
    """Return the search settings of a base version."""
    return ORIGINAL if version in _ORIGINAL_VERSIONS else QUICK
