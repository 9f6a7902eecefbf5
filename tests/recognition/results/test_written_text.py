"""The text as the network writes it, beside transcripts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, Word
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results import transcripts
from chalicelib.recognition.results.clock import WordClock
from chalicelib.recognition.results.watson_results import (
    RecognizedUtterance,
    assemble_final,
    assemble_interim,
)
from chalicelib.recognition.results.written_text import written_text

WRITTEN = Options(written=True)
HIDDEN = Options(written=True, redaction=True, smart_formatting=True)


SAID = {
    "Mr.": "mister",
    "Mrs.": "missus",
    "Dr.": "doctor",
    "$5.20.": "five dollars and twenty cents",
    "$5.20!": "five dollars and twenty cents",
    "555-0199,": "five five five oh one nine nine",
    "GMEF624!": "g m e f six twenty four",
    "$1,500.": "one thousand five hundred dollars",
    "1999.": "nineteen ninety nine",
    "12": "twelve",
    "345": "three forty five",
    "1-345-678-9012": "one three four five six seven eight nine oh one two",
    "9:30": "nine thirty",
    **{"0": "zero", "2": "two", "5": "five", "7": "seven"},
}
"""How written tokens are said that are more than a word."""


def heard(text: str, *, pause_before: str = "") -> Hypothesis:
    """What an engine answers that writes this text; before one of the words there is a pause."""
    words: list[Word] = []
    time_s = 0.0
    for token in text.split():
        for place, word in enumerate((SAID.get(token) or token.strip(".,!?“”").lower()).split()):
            time_s += 0.6 if word == pause_before else 0.0
            words.append(Word(word, time_s, time_s + 0.3, 0.9, "" if place else token))
            time_s += 0.3
    return Hypothesis(tuple(words), 0.9)


def results(*readings: Hypothesis, options: Options) -> list[dict[str, Any]]:
    return assemble_final(RecognizedUtterance(0.0, DecodedUtterance(readings)), WordClock(60.0), options)


def shown(text: str, options: Options) -> str | None:
    reading = heard(text)
    hidden = transcripts.final(reading.words, options).hidden
    return written_text(reading.words, options, hidden)


def test_alternatives_have_the_written_text_where_it_is_asked_for() -> None:
    readings = heard("Mr. Smith paid $5.20."), heard("Mrs. Smith paid $5.20!")
    (result,) = results(*readings, options=Options(written=True, max_alternatives=2))
    assert result["alternatives"] == [
        {
            "transcript": "mister smith paid five dollars and twenty cents ",
            "written": "Mr. Smith paid $5.20.",
            "confidence": 0.9,
        },
        {
            "transcript": "missus smith paid five dollars and twenty cents ",
            "written": "Mrs. Smith paid $5.20!",
        },
    ]
    (plain,) = results(*readings, options=Options(max_alternatives=2))
    assert not any("written" in one for one in plain["alternatives"])


def test_interim_results_have_it_too() -> None:
    result = assemble_interim(heard("Good morning, Dr."), 0.0, WordClock(60.0), WRITTEN)
    assert result["alternatives"] == [{"transcript": "good morning doctor ", "written": "Good morning, Dr."}]


def test_an_engine_that_does_not_write_has_none() -> None:
    reading = Hypothesis((Word("good", 0.0, 0.3, 0.9), Word("morning", 0.3, 0.6, 0.9, "morning")), 0.9)
    (result,) = results(reading, options=WRITTEN)
    assert result["alternatives"] == [{"transcript": "good morning ", "confidence": 0.9}]


def test_it_is_split_with_the_phrases() -> None:
    reading = heard("It costs $5.20. Please call again.", pause_before="please")
    split = results(reading, options=Options(written=True, split_transcript_at_phrase_end=True))
    assert [result["alternatives"][0]["written"] for result in split] == [
        "It costs $5.20.",
        "Please call again.",
    ]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Call 555-0199, please.", "Call XXX-XXXX, please."),
        ("Enter GMEF624!", "Enter GMEFXXX!"),
        ("Pay $1,500.", "Pay $X,XXX."),
        ("It is five, two, seven. Yes.", "It is X, X, X. Yes."),
        ("5 2 7", "X X X"),
        ("Room 12 for $5.20.", "Room 12 for $5.20."),
        ("In 1999.", "In XXXX."),
    ],
)
def test_redaction_hides_what_the_transcript_hides(text: str, redacted: str) -> None:
    assert shown(text, HIDDEN) == redacted


@given(
    st.lists(
        st.sampled_from(
            ["12", "345", "$1,500.", "1-345-678-9012", "x", "9:30", "5", "May", "five", "GMEF624!", "0"]
        )
    )
)
def test_no_three_digits_in_a_row_are_left(parts: list[str]) -> None:
    text = shown(" ".join(parts), HIDDEN) or ""
    assert transcripts.redacted(text) == text


def test_profanity_is_masked_and_punctuation_stays() -> None:
    assert shown("Oh Shit, he said “fucking”!", WRITTEN) == "Oh ****, he said “****”!"
    assert shown("Oh Shit!", Options(written=True, profanity_filter=False)) == "Oh Shit!"


def test_written_words_have_the_times_of_the_words_that_they_stand_for() -> None:
    reading = heard("Pay $5.20. Thanks!", pause_before="thanks")
    (result,) = results(reading, options=Options(written=True, timestamps=True))
    (best,) = result["alternatives"]
    assert best["written_timestamps"] == [
        ["Pay", 0.0, 0.3],
        ["$5.20.", 0.3, 1.8],
        ["Thanks!", 2.4, 2.7],
    ]
    assert " ".join(text for text, _, _ in best["written_timestamps"]) == best["written"]
    (plain,) = results(reading, options=Options(timestamps=True))
    assert "written_timestamps" not in plain["alternatives"][0]
