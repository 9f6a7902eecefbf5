"""Word error rates with their uncertainty."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
from numpy.typing import NDArray

BOOTSTRAP_SAMPLES = 2000


def changed_words(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words of a text stand otherwise in another."""
    codes = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return sum(max(end - first, last - begin) for tag, first, end, begin, last in codes if tag != "equal")


@dataclass(frozen=True)
class WordErrorRate:
    """Word error rate of a set of utterances, with its 95 % bootstrap interval over utterances."""

    rate: float
    low: float
    high: float
    utterances: int

    def __str__(self) -> str:
        return f"{100 * self.rate:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"


@dataclass(frozen=True)
class MeasuredDifference:
    """How much a second recogniser's word error rate lies above a first one's, on the same utterances."""

    rate: float
    """Negative where the second makes fewer errors."""
    low: float
    high: float
    no_worse: float
    """In how many of the resampled sets, 0…1, the second makes no more errors than the first."""

    def __str__(self) -> str:
        shown = f"{100 * self.rate:+.1f} points ({100 * self.low:+.1f} to {100 * self.high:+.1f})"
        return f"{shown}, no worse with {100 * self.no_worse:.0f} %"


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
    sampled = _resampled(counts, seed)
    rates = sampled[:, 0] / sampled[:, 1]
    low, high = np.percentile(rates, [2.5, 97.5])
    total = counts.sum(axis=0)
    return WordErrorRate(float(total[0] / total[1]), float(low), float(high), len(counts))


def paired_difference(
    references: Sequence[str], first: Sequence[str], second: Sequence[str], seed: int = 0
) -> MeasuredDifference:
    """Return the second's word error rate less the first's, utterances being resampled for both alike."""
    errors, words = np.array(error_counts(references, first), dtype=np.float64).T
    more = np.array(error_counts(references, second), dtype=np.float64)[:, 0] - errors
    sampled = _resampled(np.column_stack([more, words]), seed)
    rates = sampled[:, 0] / sampled[:, 1]
    low, high = np.percentile(rates, [2.5, 97.5])
    no_worse = float((rates <= 0).mean())
    return MeasuredDifference(float(more.sum() / words.sum()), float(low), float(high), no_worse)


def _resampled(rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return sums over utterances drawn with replacement, (utterances, n) to (BOOTSTRAP_SAMPLES, n)."""
    draws = np.random.default_rng(seed).integers(0, len(rows), (BOOTSTRAP_SAMPLES, len(rows)))
    sums: NDArray[np.float64] = rows[draws].sum(axis=1)
    return sums
