"""How probable it is that an utterance was of a grammar, by what its best path there is like."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """The best path through a grammar beside a loop of phones, which can follow whatever is said."""

    match: float
    """How much likelier the grammar's path is by its sounds, logarithm for each frame of speech."""
    phonotactics: float
    """How likely the loop's phones follow each other, logarithm for each frame of speech.

    Words make the loop choose its phones as words have them; what sounds alone decide is compared with that.
    """
    coverage: float
    """Share 0…1 of the frames of speech that lie in words of the grammar's path, not in pauses or noise."""


@dataclass(frozen=True)
class Calibration:
    """A logistic regression on evidence (`bench grammars` fits it)."""

    match: float
    phonotactics: float
    coverage: float
    offset: float

    def probability(self, evidence: Evidence) -> float:
        """Return the probability that the grammar was spoken, were that as likely as not beforehand."""
        log_odds = (
            self.match * evidence.match
            + self.phonotactics * evidence.phonotactics
            + self.coverage * evidence.coverage
            + self.offset
        )
        return 1 / (1 + math.exp(min(50.0, max(-50.0, -log_odds))))


CALIBRATION = Calibration(2.415, -2.457, 14.245, -13.523)
"""Of all base versions: digits at 16 kHz are told from other speech as well as by a fit to them alone."""
