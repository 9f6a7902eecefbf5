"""How probable it is that an utterance was of a grammar, by what its best path there is like."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class GrammarEvidence:
    """The words of the best path through a grammar beside all phones, which can follow whatever is said."""

    goodness: float
    """How likely each frame is of its word's phone among all phones, a logarithm: the mean of the phones."""
    coverage: float
    """Share 0…1 of the speech that lies in the words, not in what the path takes for pauses or noise."""
    length: float
    """Logarithm of how many frames a phone has, the mean: where words are forced upon other speech, few."""


@dataclass(frozen=True)
class Calibration:
    """A logistic regression on evidence (`bench grammars` fits it)."""

    goodness: float
    coverage: float
    length: float
    offset: float

    def probability(self, evidence: GrammarEvidence) -> float:
        """Return the probability that the grammar was spoken, were that as likely as not beforehand."""
        log_odds = (
            self.goodness * evidence.goodness
            + self.coverage * evidence.coverage
            + self.length * evidence.length
            + self.offset
        )
        return 1 / (1 + math.exp(min(50.0, max(-50.0, -log_odds))))


CALIBRATION = Calibration(1.548, 5.56, 1.878, -0.404)
"""Of all base versions, fitted to speech of both together."""
