"""Word error rates with their uncertainty."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np

BOOTSTRAP_SAMPLES = 2000


@dataclass(frozen=True)
class WordErrorRate:
    """Word error rate of a set of utterances, with its 95 % bootstrap interval over utterances."""

    rate: float
    low: float
    high: float
    utterances: int

    def __str__(self) -> str:
        return f"{100 * self.rate:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"


def normalise(text: str) -> str:
    """Return lower-case words only: what both sides of a comparison are brought to."""
    text = text.lower().replace("%hesitation", " ")
    return " ".join(re.sub(r"[^a-z0-9' ]", " ", text).split())


def error_counts(references: Sequence[str], hypotheses: Sequence[str]) -> list[tuple[int, int]]:
    """Return (errors, reference words) of each utterance.

    Raises:
        ValueError: a reference has no words; nothing can be measured against it.
    """
    counts = []
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        if not normalise(reference):
            raise ValueError(f"the reference {reference!r} has no words")
        out = jiwer.process_words(normalise(reference), normalise(hypothesis))
        errors = out.substitutions + out.deletions + out.insertions
        counts.append((errors, out.hits + out.substitutions + out.deletions))
    return counts


def word_error_rate(references: Sequence[str], hypotheses: Sequence[str], seed: int = 0) -> WordErrorRate:
    """Return errors over reference words; the interval resamples utterances (Bisani and Ney, ICASSP 2004)."""
    counts = np.array(error_counts(references, hypotheses), dtype=np.float64)
    draws = np.random.default_rng(seed).integers(0, len(counts), (BOOTSTRAP_SAMPLES, len(counts)))
    sampled = counts[draws].sum(axis=1)
    rates = sampled[:, 0] / sampled[:, 1]
    low, high = np.percentile(rates, [2.5, 97.5])
    total = counts.sum(axis=0)
    return WordErrorRate(float(total[0] / total[1]), float(low), float(high), len(counts))
