"""How sure a word is: the network's probabilities and the agreement of its readings, calibrated once.

`python -m bench.whisper_confidence` fits the constants, on the training half of AN4 in several conditions and
on the adaptation half of the telephone prompts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_WEIGHTS = (-0.935, 0.119, 0.19, 4.877, 1.463)
"""Of 1 and of the values of `WordEvidence`, in its order."""


@dataclass(frozen=True)
class WordEvidence:
    """What speaks for a word."""

    mean_log_probability: float
    """Of its tokens."""
    least_log_probability: float
    agreement: float
    """Share, by weight, of the readings that have the word there."""
    reading_score: float
    """Mean log-probability of the whole reading's tokens."""

    @property
    def values(self) -> tuple[float, ...]:
        """What the calibration multiplies."""
        return (self.mean_log_probability, self.least_log_probability, self.agreement, self.reading_score)


def evidence(log_probabilities: Sequence[float], agreement: float, reading_score: float) -> WordEvidence:
    """Return what speaks for a word with tokens of these probabilities."""
    chances = log_probabilities or (reading_score,)
    return WordEvidence(float(np.mean(chances)), min(chances), agreement, reading_score)


def confidence(word: WordEvidence) -> float:
    """Return the probability, between 0 and 1, that the word was said."""
    first, *others = _WEIGHTS
    odds = first + sum(weight * value for weight, value in zip(others, word.values, strict=True))
    return 1 / (1 + math.exp(-max(min(odds, 30.0), -30.0)))
