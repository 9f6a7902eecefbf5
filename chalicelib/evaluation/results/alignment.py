"""Two texts, word by word: the fewest words to put in, leave out or replace, and where (Levenshtein 1966)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Operation = Literal["equal", "substituted", "deleted", "inserted"]


@dataclass(frozen=True)
class AlignmentStep:
    """One word of either text, or of both."""

    operation: Operation
    reference: str = ""
    recognized: str = ""


def aligned(reference: Sequence[str], recognized: Sequence[str]) -> list[AlignmentStep]:
    """Return the words of both texts side by side, with the fewest errors that are possible.

    Time and memory grow with the product of their lengths: 1,500 words each take some tens of milliseconds.
    """
    costs = _costs(reference, recognized)
    steps: list[AlignmentStep] = []
    row, column = len(reference), len(recognized)
    while row or column:
        here = int(costs[row, column])
        equal = bool(row and column) and reference[row - 1] == recognized[column - 1]
        if row and column and here == int(costs[row - 1, column - 1]) + (not equal):
            operation: Operation = "equal" if equal else "substituted"
            row, column = row - 1, column - 1
            steps.append(AlignmentStep(operation, reference[row], recognized[column]))
        elif row and here == int(costs[row - 1, column]) + 1:
            row -= 1
            steps.append(AlignmentStep("deleted", reference=reference[row]))
        else:
            column -= 1
            steps.append(AlignmentStep("inserted", recognized=recognized[column]))
    return steps[::-1]


def runs(steps: Sequence[AlignmentStep]) -> list[tuple[Operation, list[str], list[str]]]:
    """Return neighbours of one kind together: kind, words of the reference, words that were recognised."""
    found: list[tuple[Operation, list[str], list[str]]] = []
    for step in steps:
        if not found or found[-1][0] != step.operation:
            found.append((step.operation, [], []))
        _, reference, recognized = found[-1]
        if step.operation != "inserted":
            reference.append(step.reference)
        if step.operation != "deleted":
            recognized.append(step.recognized)
    return found


def _costs(one: Sequence[str], other: Sequence[str]) -> NDArray[np.int32]:
    """Return the fewest errors between all beginnings of two texts, shape (len(one) + 1, len(other) + 1)."""
    numbers = {word: number for number, word in enumerate({*one, *other})}
    columns = np.array([numbers[word] for word in other], np.int32)
    places = np.arange(len(other) + 1, dtype=np.int32)
    costs = np.empty((len(one) + 1, len(other) + 1), np.int32)
    costs[0] = places
    for row, word in enumerate(one, 1):
        before = costs[row - 1]
        reached = before + 1
        reached[1:] = np.minimum(reached[1:], before[:-1] + (columns != numbers[word]))
        # To put words in costs one each: the least cost of any place further left, and of the way from there.
        costs[row] = np.minimum.accumulate(reached - places) + places
    return costs
