"""How sure a word error rate is, and whether two of them really differ, by drawing utterances anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
"""Of utterances, and of signs. The same each time: the same set gives the same figures."""
SIGNIFICANT_BELOW = 0.05
_SEED = 20261130
_AT_ONCE = 1_000_000
"""Numbers that are drawn at once, to bound memory."""


@dataclass(frozen=True)
class Interval:
    """Where a figure lies in 95 % of sets that are drawn like this one."""

    low: float
    high: float


@dataclass(frozen=True)
class ErrorRateDifference:
    """What one model's rate has above another's, on the same utterances."""

    rate: float
    """Below 0 where the second makes fewer errors."""
    interval: Interval
    p_value: float
    """How often chance alone would give such a difference, or a larger one, if both were equally good."""

    @property
    def significant(self) -> bool:
        """Whether chance alone would give it too seldom to be believed."""
        return self.p_value < SIGNIFICANT_BELOW


def rate_interval(errors: Sequence[int], words: Sequence[int]) -> Interval:
    """Return the 95 % bootstrap interval of a rate; utterances are drawn (Bisani and Ney, ICASSP 2004).

    Args:
        errors: of each utterance.
        words: of the reference of each.
    """
    return _interval(np.array(errors, np.float64), np.array(words, np.float64))


def difference(first: Sequence[int], second: Sequence[int], words: Sequence[int]) -> ErrorRateDifference:
    """Return how the second's rate differs from the first's; errors and words as in `rate_interval`.

    The interval draws utterances for both alike. The p-value comes from an approximate randomisation test:
    of each utterance the errors of both are exchanged or not, by chance (Noreen 1989), in two directions.
    """
    more = np.array(second, np.float64) - np.array(first, np.float64)
    total = float(np.sum(words))
    observed = abs(float(more.sum()))
    reached, drawn = 0, np.random.default_rng(_SEED)
    for count in _portions(len(more)):
        signs = drawn.integers(0, 2, (count, len(more))) * 2 - 1
        reached += int((np.abs(signs @ more) >= observed - 1e-9).sum())
    return ErrorRateDifference(
        float(more.sum()) / total,
        _interval(more, np.array(words, np.float64)),
        (1 + reached) / (1 + DRAWS),
    )


def _interval(counts: NDArray[np.float64], words: NDArray[np.float64]) -> Interval:
    drawn, rates = np.random.default_rng(_SEED), list[NDArray[np.float64]]()
    for count in _portions(len(counts)):
        chosen = drawn.integers(0, len(counts), (count, len(counts)))
        rates.append(counts[chosen].sum(axis=1) / words[chosen].sum(axis=1))
    low, high = np.percentile(np.concatenate(rates), [2.5, 97.5])
    return Interval(float(low), float(high))


def _portions(length: int) -> list[int]:
    """Return how many draws of so many numbers are made at once, until all are made."""
    most = max(1, _AT_ONCE // max(length, 1))
    return [min(most, DRAWS - start) for start in range(0, DRAWS, most)]
