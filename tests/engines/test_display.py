from __future__ import annotations

import pytest

from chalicelib.engines.display import Display, shown_hypothesis
from chalicelib.engines.protocol import Hypothesis, Word
from chalicelib.engines.sphinx.language import decoder_spelling

DISPLAY = Display(
    {
        "i_triple_e": "IEEE",
        "IEEE": "IEEE",
        "xarelto": "Xarelto®",
        "doctor_smith": "Dr. Smith",
        "a%2Bc": "A+C",
        "nothing": "nothing",
    },
    decoder_spelling,
)


@pytest.mark.parametrize(
    ("keyword", "ways"),
    [
        ("rain", ["rain"]),
        ("heavy rain", ["heavy rain"]),
        ("ieee", ["ieee", "i_triple_e"]),
        ("the ieee", ["the ieee", "the i_triple_e"]),
        ("xarelto", ["xarelto"]),
        ("Xarelto®", ["xarelto®", "xarelto"]),
        ("call dr. smith now", ["call dr. smith now", "call doctor_smith now"]),
        ("a+c", ["a%2bc"]),
        ("nothing", ["nothing"]),
        ("", [""]),
    ],
)
def test_a_keyword_names_words_by_their_spelling_and_their_display_form(
    keyword: str, ways: list[str]
) -> None:
    assert sorted(map(" ".join, DISPLAY.ways(keyword))) == sorted(ways)


def test_a_keyword_of_many_such_words_is_bounded() -> None:
    assert 1 < len(DISPLAY.ways(" ".join(["ieee"] * 100))) <= 16


def test_without_custom_words_a_keyword_is_what_it_says() -> None:
    assert Display({}).ways("heavy  Rain") == [("heavy", "rain")]


def test_a_reading_shows_display_forms() -> None:
    reading = Hypothesis((Word("xarelto", 0.0, 0.5, 0.9), Word("helps", 0.5, 1.0, 0.8)), 0.7)
    assert shown_hypothesis(reading, DISPLAY).text == "Xarelto® helps"
