"""How many words, phones or numbers tell two sequences apart (Levenshtein 1966)."""

from __future__ import annotations

from collections.abc import Sequence


def edit_distance(one: Sequence[object], other: Sequence[object]) -> int:
    """Return how many items must be replaced, put in or left out to make one sequence of another."""
    row = list(range(len(other) + 1))
    for place, item in enumerate(one, 1):
        diagonal, row[0] = row[0], place
        for at, found in enumerate(other, 1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (item != found))
    return row[-1]
