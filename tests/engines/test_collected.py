"""Utterances that are recognised as a whole."""

from __future__ import annotations

import numpy as np

from chalicelib.engines.collected import CollectedStream
from chalicelib.engines.protocol import (
    DEFAULT_OPTIONS,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Samples,
    UtteranceStream,
    Word,
)


class Counting:
    """A recogniser that writes how many samples it was given."""

    sample_rate_hz = 1_000
    size_bytes = 1_000

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.options = DEFAULT_OPTIONS

    def recognize(self, samples: Samples, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        self.calls.append(len(samples))
        self.options = options
        words = (Word(str(int(samples.sum())), 0.0, len(samples) / 1_000, 0.9),) if len(samples) else ()
        return DecodedUtterance((Hypothesis(words, 0.9),) if words else ())

    def stream(self) -> UtteranceStream:
        return CollectedStream(self)


def test_the_end_is_what_the_whole_gives() -> None:
    recognizer = Counting()
    stream = recognizer.stream()
    for _ in range(7):
        stream.feed(np.ones(100, np.float32))
    options = DecodingOptions(max_alternatives=3)
    assert stream.finish(options) == recognizer.recognize(np.ones(700, np.float32))
    assert recognizer.calls == [700, 700]
    assert not stream.decodes_along


def test_options_reach_the_recogniser() -> None:
    recognizer = Counting()
    stream = recognizer.stream()
    stream.finish(DecodingOptions(max_alternatives=3))
    assert recognizer.options.max_alternatives == 3


def test_partial_results_cost_no_more_than_twice_the_whole() -> None:
    recognizer = Counting()
    stream = recognizer.stream()
    shown = []
    for _ in range(100):
        stream.feed(np.ones(100, np.float32))
        shown.append(stream.partial())
    assert shown[8] == Hypothesis((), 0.0)
    assert shown[9].text == "1000"
    assert shown[9].posterior == 0.0
    assert recognizer.calls == [1_000, 2_000, 4_000, 8_000]
    assert shown[-1].text == "8000"


def test_nothing_fed_is_nothing_said() -> None:
    assert Counting().stream().finish() == DecodedUtterance()
