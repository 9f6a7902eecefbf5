"""What an engine takes and gives: float32 mono samples in, words with times and posteriors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

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
    written: str | None = None
    """Its piece of the text as the engine writes it, with capitals and punctuation; None: it does not write.

    Of a written token that is said in several words the first has all, the others have "".
    """


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

    @property
    def written(self) -> str | None:
        """The text as the engine writes it, with capitals and punctuation; None if it does not write."""
        pieces = [word.written for word in self.words if word.written is not None]
        if not pieces or len(pieces) < len(self.words):
            return None
        return " ".join(piece for piece in pieces if piece)


@dataclass(frozen=True)
class DecodingOptions:
    """What is wanted beside the best reading."""

    max_alternatives: int = 1
    """At most so many readings, the best one among them."""
    word_alternatives: bool = False
    """Whether a confusion network is wanted."""
    keywords: tuple[str, ...] = ()
    """Lower-case phrases to be spotted, their words separated by single spaces."""


@dataclass(frozen=True)
class WordSlot:
    """A place of the confusion network; the places are in order and do not overlap."""

    start_s: float
    end_s: float
    alternatives: tuple[tuple[str, float], ...]
    """Words and posteriors, likeliest first; silence and "no word" are left out, so the sum is at most 1."""


@dataclass(frozen=True)
class KeywordHit:
    """A keyword that was perhaps spoken there, on the best path or not."""

    keyword: str
    start_s: float
    end_s: float
    posterior: float


@dataclass(frozen=True)
class DecodedUtterance:
    """Everything asked for about one utterance."""

    hypotheses: tuple[Hypothesis, ...] = ()
    """Best first; empty when nothing was said."""
    slots: tuple[WordSlot, ...] = ()
    keywords: tuple[KeywordHit, ...] = ()
    """In the order of time."""


@dataclass(frozen=True)
class CustomModels:
    """A user's models on top of a base version: local files whose contents stay as long as their names."""

    adapted_model: Path | None = None
    """A `model.tar.gz` of a training job."""
    language_model: Path | None = None
    """The artefact of a custom language model."""
    customization_weight: float | None = None
    """Of the language model, 0…1; None: the weight it was trained with."""
    grammar_name: str | None = None
    """A grammar inside the language model's artefact."""


DEFAULT_OPTIONS = DecodingOptions()
BASE_ALONE = CustomModels()


class UtteranceStream(Protocol):
    """One utterance while it is being spoken."""

    @property
    def decodes_along(self) -> bool:
        """Whether what is fed is decoded at once; else all of it is when the utterance is over."""
        ...

    def feed(self, samples: Samples) -> None:
        """Take the samples that follow those before."""
        ...

    def partial(self) -> Hypothesis:
        """Return the best reading so far, cheaply; its posteriors may be 0."""
        ...

    def finish(self, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Return what `recognize` would for all the samples; afterwards the stream is closed."""
        ...


class Recognizer(Protocol):
    """A base or custom model, loaded; cheap to call again.

    Safe for threads only where the engine's features say so (`serves_threads`); each stream has one user.
    """

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the samples that it takes."""
        ...

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes while it is loaded."""
        ...

    def recognize(self, samples: Samples, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Decode one utterance (at most two minutes)."""
        ...

    def stream(self) -> UtteranceStream:
        """Begin an utterance; a stream that is still open when this or `recognize` is called is given up."""
        ...


@runtime_checkable
class BatchRecognizer(Protocol):
    """A recogniser that decodes several utterances in less time together than one by one."""

    def recognize_all(
        self, utterances: Sequence[Samples], options: DecodingOptions = DEFAULT_OPTIONS
    ) -> Sequence[DecodedUtterance]:
        """Decode utterances; each gets what `recognize` would give."""
        ...


@runtime_checkable
class SharingRecognizer(Protocol):
    """A recogniser whose memory is nearly all in what it has in common with others.

    Those of one base version and adapted model share, whatever language models they have.
    """

    @property
    def shared(self) -> object:
        """What it shares, the same object for all that do; `size_bytes` is how much memory that takes."""
        ...


class Engine(Protocol):
    """Loads models of one kind."""

    def load(self, base_version: str, custom: CustomModels = BASE_ALONE) -> Recognizer:
        """Load a base version of the catalogue, customised as far as files are given.

        Raises:
            engines.errors.ModelUnreadable: a file is damaged or made for another base version.
            engines.errors.CustomizationUnsupported: the engine cannot use that kind of model.
        """
        ...
