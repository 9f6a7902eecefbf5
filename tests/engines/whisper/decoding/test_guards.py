from __future__ import annotations

import pytest

from chalicelib.engines.whisper.decoding.guards import (
    ReadingEvidence,
    ambiguous_numbers,
    doubled,
    looping,
    repetitive,
    says_numbers,
    unheard,
)


def evidence(
    text: str, *, score: float = -0.3, no_speech: float = 0.1, speech_s: float = 3.0, cut: bool = False
) -> ReadingEvidence:
    return ReadingEvidence(text, len(text.split()), score, no_speech, speech_s, cut)


@pytest.mark.parametrize("text", ["Yes.", "no no no", "Mississippi", "one two one two three four"])
def test_speech_is_believed(text: str) -> None:
    assert not unheard(evidence(text))
    assert not looping(evidence(text))


@pytest.mark.parametrize(
    "told",
    [
        evidence(" . . ."),
        evidence(" Thank you.", no_speech=0.9),
        evidence(" I don't know.", score=-1.7, no_speech=0.5),
        evidence(" Okay.", score=-3.2),
    ],
)
def test_what_nobody_said_is_not(told: ReadingEvidence) -> None:
    assert unheard(told)


def test_a_text_without_end_is_a_loop() -> None:
    assert looping(evidence("one two three", cut=True))
    assert looping(evidence("ha " * 40))
    assert looping(evidence("beep beep beep beep beep", no_speech=0.6))


def test_people_may_repeat_themselves() -> None:
    said = evidence("no no no no no")
    assert repetitive(said.text)
    assert not looping(said)


@pytest.mark.parametrize("text", ["1071 1071", "43 23 43 23", "VQDB 4900 VQDB 4900"])
def test_a_text_that_is_said_twice_is_noticed(text: str) -> None:
    assert doubled(text)


@pytest.mark.parametrize("text", ["", "two two nine three", "Mississippi", "go to the end of the road"])
def test_other_texts_are_not_doubled(text: str) -> None:
    assert not doubled(text)


def test_numbers_in_words_are_counted() -> None:
    assert says_numbers("room 527", "room five twenty-seven")
    assert says_numbers("September 15, 1965", "September fifteenth, nineteen sixty-five")
    assert not says_numbers("Erase OJTKS35", "Erase OJ TKS")


@pytest.mark.parametrize(
    "text",
    [
        " Press 1 to accept this call, or 2 to reject it.",
        " 1 5 2 2 1",
        " 2, 2, 9, 3.",
        " U-M-N-Y-H-6",
        " Rubout UTFF8.",
        " nobody counts here",
    ],
)
def test_digits_by_themselves_are_said_in_one_way(text: str) -> None:
    assert not ambiguous_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        " room 0",
        " 24",
        " $5",
        " 5%",
        " 2-3 days",
        " 1/2",
        " 5.5",
        " the 1st",
        " May 7",
        " 7 May",
        " 3:5",
        " 1 5 2 20",
    ],
)
def test_other_numbers_are_said_in_several(text: str) -> None:
    assert ambiguous_numbers(text)
