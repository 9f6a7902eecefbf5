"""Sets of words, written down as text."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Return the words that spaces separate."""
    return frozenset(text.split())
