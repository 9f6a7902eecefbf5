"""Longer or shorter readings are preferred."""

from __future__ import annotations

import pytest

from chalicelib.engines.protocol import Hypothesis, Word
from chalicelib.recognition.function.transcription import decoding_options
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results.insertion_bias import ranked


def reading(text: str, posterior: float) -> Hypothesis:
    return Hypothesis(tuple(Word(word, 0.0, 1.0, 0.9) for word in text.split()), posterior)


READINGS = (reading("a line", 0.6), reading("lie", 0.25), reading("a long line", 0.15))


@pytest.mark.parametrize(
    ("bias", "best"),
    [(0.0, "a line"), (0.1, "a line"), (1.0, "a long line"), (-0.1, "a line"), (-1, "lie")],
)
def test_the_bias_chooses(bias: float, best: str) -> None:
    order = ranked(READINGS, Options(character_insertion_bias=bias))
    assert order[0].text == best
    assert set(order) == set(READINGS)


def test_an_impossible_reading_can_be_ranked() -> None:
    assert ranked([reading("x", 0.0)], Options(character_insertion_bias=1.0))[0].text == "x"


def test_there_is_something_to_choose_from() -> None:
    assert decoding_options(Options(character_insertion_bias=0.1)).max_alternatives == 20
    assert decoding_options(Options(character_insertion_bias=0.1, max_alternatives=50)).max_alternatives == 50
    assert decoding_options(Options()).max_alternatives == 1
