"""What an engine takes and gives: float32 mono samples in, hypotheses with word times and posteriors out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Mono samples in -1…1 at the recogniser's own rate, shape (n,)."""


@dataclass(frozen=True)
class Word:
    """One word of a hypothesis."""

    text: str
    start_s: float
    end_s: float
    posterior: float
    """Probability in 0…1 that the word was spoken there, from the lattice."""


@dataclass(frozen=True)
class Hypothesis:
    """One reading of an utterance: words in order, without silences and noises."""

    words: tuple[Word, ...]
    posterior: float
    """Probability in 0…1 of the whole reading, comparable between alternatives of one utterance."""

    @property
    def text(self) -> str:
        """The words, separated by single spaces."""
        return " ".join(word.text for word in self.words)


class Recognizer(Protocol):
    """A base or adapted model, loaded. Not safe for threads; cheap to call again."""

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the samples that `recognize` takes."""
        ...

    def recognize(self, samples: Samples, *, max_alternatives: int = 1) -> tuple[Hypothesis, ...]:
        """Decode one utterance (at most two minutes), best reading first; empty when nothing was said."""
        ...


class Engine(Protocol):
    """Loads models of one kind."""

    def load(self, base_version: str, adapted_model: Path | None) -> Recognizer:
        """Load a base version of the catalogue, adapted when the path of a `model.tar.gz` is given.

        Raises:
            engines.errors.ModelUnreadable: the artefact is damaged or made for another base version.
        """
        ...
