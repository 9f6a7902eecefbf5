"""An utterance that is recognised while it is spoken, with the words that it would have as a whole."""

from __future__ import annotations

import dataclasses

import numpy as np

from chalicelib.engines.protocol import (
    DEFAULT_OPTIONS,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Samples,
    Word,
)
from chalicelib.engines.whisper.decoding.answer import answer, hypotheses
from chalicelib.engines.whisper.decoding.cutting import first_cut, most_samples
from chalicelib.engines.whisper.decoding.left_out import WindowPiece, completed
from chalicelib.engines.whisper.decoding.network import Network
from chalicelib.engines.whisper.decoding.windows import DecodingRules, decode
from chalicelib.engines.whisper.mel import SAMPLE_RATE_HZ

_FIRST_PARTIAL_S, _LEAST_STEP_S, _STEP_SHARE = 0.7, 0.45, 0.1
"""A partial result is found when that much was said, and then in steps that grow with the piece."""
_LOOKS = 3
"""So many in a row have to agree on what is shown."""
_UNSTABLE_S = 0.3
"""Words that end so shortly before what was heard last may still become others."""
_LEAST_SURE = 0.6
"""What is less sure, and what follows it, is not shown before more was heard."""
_PATIENCE_S = 3.0
"""Longer ago, agreement is enough."""


class WhisperStream:
    """One utterance. Pieces that are long enough to be cut are decoded as soon as they are."""

    decodes_along = False

    def __init__(self, network: Network, rules: DecodingRules) -> None:
        self._network = network
        self._rules = rules
        self._blocks: list[Samples] = []
        self._pending = np.empty(0, np.float32)
        """Speech of the piece that goes on, without the blocks."""
        self._start = 0
        """Where that piece begins."""
        self._settled: list[WindowPiece] = []
        self._settled_words: list[Word] = []
        self._last: WindowPiece | None = None
        """What was found at the last look, if it is what `recognize` would find."""
        self._shown: list[Word] = []
        """Of the piece that goes on."""
        self._before: list[list[Word]] = []
        """Its words at the last looks."""
        self._next = int(_FIRST_PARTIAL_S * SAMPLE_RATE_HZ)

    def feed(self, samples: Samples) -> None:
        """Take the samples that follow those before."""
        self._blocks.append(np.array(samples, np.float32))
        self._settle()

    def partial(self) -> Hypothesis:
        """Return the words that the last looks at what was said so far agree on, their posteriors 0."""
        heard = self._heard()
        if len(heard) >= self._next:
            step = max(_LEAST_STEP_S * SAMPLE_RATE_HZ, _STEP_SHARE * len(heard))
            self._next = len(heard) + int(step)
            self._look(heard)
        words = (*self._settled_words, *self._shown)
        return Hypothesis(tuple(dataclasses.replace(word, posterior=0.0) for word in words), 0.0)

    def finish(self, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Return what `recognize` gives for all the samples."""
        return answer(self._network, [*self._settled, *self._decoded(self._heard())], options)

    def _heard(self) -> Samples:
        """Return the speech of the piece that goes on."""
        if self._blocks:
            self._pending = np.concatenate([self._pending, *self._blocks])
            self._blocks = []
        return self._pending

    def _settle(self) -> None:
        """Decode what is too long for one window, cut as `recognize` cuts it."""
        heard = len(self._pending) + sum(map(len, self._blocks))
        window = self._rules.window
        while heard > most_samples(window) and (length := first_cut(self._heard(), window)) is not None:
            for piece in self._decoded(self._pending[:length]):
                self._settled.append(piece)
                self._settled_words += self._words_of(piece)
            self._pending = self._pending[length:].copy()
            self._start += length
            self._shown, self._before, self._last = [], [], None
            self._next = int(_FIRST_PARTIAL_S * SAMPLE_RATE_HZ)
            heard = len(self._pending)

    def _decoded(self, samples: Samples) -> list[WindowPiece]:
        piece = self._last
        if piece is None or len(piece.samples) != len(samples):
            samples = np.ascontiguousarray(samples)
            [found] = decode(self._network, [samples], self._rules, self._rules.beam)
            piece = WindowPiece(self._start / SAMPLE_RATE_HZ, samples, found)
        return completed(self._network, piece, self._rules)

    def _look(self, heard: Samples) -> None:
        """Decode what was said of this piece so far, and show what this look and the last have in common."""
        quick = dataclasses.replace(self._rules, again=None)
        [found] = decode(self._network, [np.ascontiguousarray(heard)], quick, self._rules.beam)
        if found.odd:
            return
        look = WindowPiece(self._start / SAMPLE_RATE_HZ, heard, found)
        self._last = look
        words = self._words_of(look)
        stable_s = (self._start + len(heard)) / SAMPLE_RATE_HZ - _UNSTABLE_S
        if len(self._before) < _LOOKS - 1:
            self._before.append(words)
            return
        agreed = words[: min(_same(before, words) for before in self._before)]
        unsure = (
            place
            for place, word in enumerate(agreed)
            if word.end_s > stable_s or (word.posterior < _LEAST_SURE and word.end_s > stable_s - _PATIENCE_S)
        )
        agreed = agreed[: next(unsure, len(agreed))]
        self._before = [*self._before[1:], words]
        same = _same(agreed, self._shown)
        if same < len(self._shown) and same == len(agreed):
            return  # the other words are not refuted yet
        self._shown = agreed

    def _words_of(self, piece: WindowPiece) -> list[Word]:
        found = hypotheses(self._network, piece, every_reading=False)
        return list(found[0].words) if found else []


def _same(first: list[Word], second: list[Word]) -> int:
    """Return how many words both begin with."""
    pairs = zip(first, second, strict=False)
    return next(
        (place for place, (one, other) in enumerate(pairs) if one.text != other.text),
        min(len(first), len(second)),
    )
