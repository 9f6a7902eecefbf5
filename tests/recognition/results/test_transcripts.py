"""Transcripts: hesitations, profanity, formatting, redaction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.protocol import Word
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results import transcripts


def words(text: str) -> list[Word]:
    return [Word(word, 0.0, 1.0, 0.9) for word in text.split()]


@pytest.mark.parametrize(
    ("said", "options", "shown"),
    [
        ("Uh twenty one shit", Options(), "%HESITATION twenty one **** "),
        ("Uh twenty one Shit", Options(profanity_filter=False), "%HESITATION twenty one Shit "),
        ("uh twenty um one shit", Options(smart_formatting=True), "21 **** "),
        ("um", Options(smart_formatting=True), ""),
        ("line twenty one", Options(redaction=True, smart_formatting=True), "line 21 "),
        (
            "call nine one four two three seven one zero zero zero on june sixth nineteen seventy",
            Options(redaction=True, smart_formatting=True),
            "call XXX-XXX-XXXX on 6/6/XXXX ",
        ),
    ],
)
def test_final_transcripts(said: str, options: Options, shown: str) -> None:
    assert transcripts.final(words(said), options).text == shown


@given(st.lists(st.sampled_from(["12", "345", "1-345-6789", "x", "9:30", "$69.25", "10/6/1970"])))
def test_no_three_digits_in_a_row_are_left(parts: list[str]) -> None:
    text = " ".join(parts)
    redacted = transcripts.redacted(text)
    run = 0
    for character in redacted:
        run = run + 1 if character.isdigit() else 0
        assert run < 3
    assert len(redacted) == len(text)


def test_the_list_of_profanity_leaves_ordinary_words() -> None:
    for word in ["class", "damn", "hell", "cockpit", "dick", "ass", "peacock", "scunthorpe"]:
        assert transcripts.spelled(word, Options()) == word
