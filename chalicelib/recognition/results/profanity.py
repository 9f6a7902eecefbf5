"""The profanity filter for US English."""

from __future__ import annotations

import functools
from pathlib import Path

MASK = "****"

_LIST = Path(__file__).parent.parent / "data" / "profanity-en-US.txt"


def is_profane(word: str) -> bool:
    """Tell whether a word, in any case, is on the list."""
    return word.lower() in _words()


@functools.cache
def _words() -> frozenset[str]:
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
