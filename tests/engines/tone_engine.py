"""An engine in few lines that keeps every promise of the protocol: it hears tones, and calls them by names."""

from __future__ import annotations

import itertools
import math

import numpy as np

from chalicelib.engines.errors import CustomizationUnsupported
from chalicelib.engines.protocol import (
    BASE_ALONE,
    DEFAULT_OPTIONS,
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    KeywordHit,
    Samples,
    Word,
    WordSlot,
)

RATE_HZ = 8_000
TONES_HZ = {"low": 300.0, "middle": 600.0, "high": 1_200.0, "shrill": 2_400.0}
_SURENESS = 8.0
_FRAME = RATE_HZ // 100
_LOUD = 1e-3


class ToneEngine:
    """Loads the one model that it has."""

    def load(self, base_version: str, custom: CustomModels = BASE_ALONE) -> ToneRecognizer:
        """Return the model; there are no others."""
        if custom.adapted_model is not None:
            raise CustomizationUnsupported("tones cannot be adapted to")
        if custom.language_model is not None or custom.grammar_name is not None:
            raise CustomizationUnsupported("tones have no language")
        return ToneRecognizer()


class ToneRecognizer:
    """Knows the names of some tones."""

    sample_rate_hz = RATE_HZ
    size_bytes = 1_000

    def recognize(self, samples: Samples, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Say which tones there are."""
        slots = _slots(samples)
        if not slots:
            return DecodedUtterance()
        return DecodedUtterance(
            tuple(_readings(slots)[: options.max_alternatives]),
            slots if options.word_alternatives else (),
            tuple(_hits(slots, options.keywords)),
        )

    def stream(self) -> ToneStream:
        """Begin an utterance."""
        return ToneStream(self)


class ToneStream:
    """Keeps what it is fed."""

    decodes_along = False

    def __init__(self, recognizer: ToneRecognizer) -> None:
        self._recognizer = recognizer
        self._blocks = [np.empty(0, np.float32)]

    def feed(self, samples: Samples) -> None:
        """Take the samples that follow those before."""
        self._blocks.append(samples.copy())

    def partial(self) -> Hypothesis:
        """Return the best reading so far."""
        return next(iter(self.finish().hypotheses), Hypothesis((), 0.0))

    def finish(self, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Return what `recognize` would."""
        return self._recognizer.recognize(np.concatenate(self._blocks), options)


def _slots(samples: Samples) -> tuple[WordSlot, ...]:
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loud = np.abs(frames).max(axis=1, initial=0.0) > _LOUD
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int)))
    return tuple(_slot(samples, int(start), int(end)) for start, end in edges.reshape(-1, 2))


def _slot(samples: Samples, start: int, end: int) -> WordSlot:
    spectrum = np.abs(np.fft.rfft(samples[start * _FRAME : end * _FRAME]))
    heard_hz = max(float(spectrum[1:].argmax() + 1) * RATE_HZ / ((end - start) * _FRAME), 1.0)
    weights = {name: math.exp(-_SURENESS * abs(math.log2(heard_hz / hz))) for name, hz in TONES_HZ.items()}
    total = sum(weights.values())
    likeliest = sorted(weights.items(), key=lambda item: -item[1])
    return WordSlot(start / 100, end / 100, tuple((name, weight / total) for name, weight in likeliest))


def _readings(slots: tuple[WordSlot, ...]) -> list[Hypothesis]:
    """Return all readings, likeliest first."""
    made = []
    for choice in itertools.product(*(slot.alternatives for slot in slots)):
        words = (
            Word(name, at.start_s, at.end_s, sure) for at, (name, sure) in zip(slots, choice, strict=True)
        )
        made.append(Hypothesis(tuple(words), math.prod(sure for _, sure in choice)))
    return sorted(made, key=lambda reading: -reading.posterior)


def _hits(slots: tuple[WordSlot, ...], keywords: tuple[str, ...]) -> list[KeywordHit]:
    found = []
    for keyword in dict.fromkeys(keywords):
        words = keyword.split()
        for first in range(len(slots) - len(words) + 1):
            run = slots[first : first + len(words)]
            posterior = math.prod(
                dict(slot.alternatives).get(word, 0.0) for slot, word in zip(run, words, strict=True)
            )
            if posterior > 0.01:
                found.append(KeywordHit(keyword, run[0].start_s, run[-1].end_s, posterior))
    return sorted(found, key=lambda hit: hit.start_s)
