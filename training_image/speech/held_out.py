"""Which utterances judge the result and are never learned from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from training_image.speech.utterances import Utterance

SHARE = 0.1
FEWEST = 20
MOST = 300
"""Enough for a narrow interval; more would only cost decoding time."""
MOST_OF_FEW = 0.25
"""When there are few utterances, this much of them at most."""


def split(utterances: Sequence[Utterance]) -> tuple[tuple[Utterance, ...], tuple[Utterance, ...]]:
    """Return the utterances to adapt on and those held out, both in their first order.

    The utterances are taken in runs of neighbours, and of each run the one with the smallest hash of name and
    position is held out: spread over all recordings, unrelated to what is said, and alike in every run.
    """
    count = held_out_count(len(utterances))
    total = len(utterances)
    chosen = set()
    for number in range(count):
        run = range(number * total // count, (number + 1) * total // count)
        chosen.add(min(run, key=lambda index: _hash(utterances[index])))
    adaptation = tuple(utterances[index] for index in range(total) if index not in chosen)
    return adaptation, tuple(utterances[index] for index in sorted(chosen))


def held_out_count(total: int) -> int:
    """Return how many of `total` are held out: a tenth, 20 at least, 300 at most, a quarter of few."""
    wanted = min(max(round(SHARE * total), FEWEST), MOST)
    return min(wanted, int(MOST_OF_FEW * total) or (1 if total > 1 else 0))


def _hash(utterance: Utterance) -> bytes:
    return hashlib.sha256(utterance.key.encode()).digest()
