"""Corpus text as it is said: numbers and symbols spoken out, punctuation and bracketed text gone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.language.spoken.tokenisation import Tokeniser

KNOWN = frozenset(
    [
        "he",
        "paid",
        "for",
        "the",
        "at",
        "on",
        "it's",
        "u.s.",
        "mr.",
        "well-known",
        "two",
        "dollars",
        "call",
        "me",
        "naive",
        "i",
        "a.m.",
        "p.m.",
        "a",
        "of",
        "century",
    ]
)


def _words(line: str, *custom: str) -> str:
    return " ".join(Tokeniser(KNOWN.__contains__, custom).words(line))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("He paid $5.20.", "he paid five dollars and twenty cents"),
        ("$1", "one dollar"),
        ("$0.05", "five cents"),
        ("$1.01", "one dollar and one cent"),
        ("$1.5 million", "one point five million dollars"),
        ("20 €", "twenty euros"),
        ("¥300", "three hundred yen"),
        ("£2", "two pounds"),
        ("5%", "five percent"),
        ("99.5 % of", "ninety nine point five percent of"),
        ("the 21st century", "the twenty first century"),
        ("the 12th, 30th and 103rd", "the twelfth thirtieth and one hundred third"),
        ("at 10:30 p.m.", "at ten thirty p.m."),
        ("at 7:05", "at seven oh five"),
        ("a 1:1000", "a one one thousand"),
        ("at 7:00", "at seven o'clock"),
        ("10am", "ten a.m."),
        ("on 11/24/2026", "on november twenty fourth twenty twenty six"),
        ("1999", "nineteen ninety nine"),
        ("the 1990s", "the nineteen nineties"),
        ("2005", "two thousand five"),
        ("1/2", "one half"),
        ("1,234,567", "one million two hundred thirty four thousand five hundred sixty seven"),
        ("-5.5", "minus five point five"),
        ("007", "zero zero seven"),
        ("Call 555-1234!", "call five five five one two three four"),
        ("#5 & #6", "number five and number six"),
        ("take 10-20 mg", "take ten to twenty mg"),
        ("0.5–1.5 ml", "zero point five to one point five ml"),
        ("by 5-10%", "by five to ten percent"),
        ("2010-2015", "twenty ten to twenty fifteen"),
        ("won 3-2", "won three two"),
        ("3-4-5", "three four five"),
        ("07-11", "zero seven eleven"),
        ("2026-11-24", "november twenty fourth twenty twenty six"),
        ("2026-13-24", "twenty twenty six thirteen twenty four"),
        ("$5-10", "five dollars ten"),
        ("120/80, then 105/60", "one twenty over eighty then one oh five over sixty"),
        ("200/110", "two hundred over one ten"),
        ("50/50 and 24/7", "fifty fifty and twenty four seven"),
        ("0", "zero"),
        ("room 312, page 105, call 264", "room three twelve page one oh five call two sixty four"),
        ("527 people, about 350", "five hundred twenty seven people about three hundred fifty"),
        ("500 or 4500", "five hundred or four thousand five hundred"),
        ("the 5280 and GMEF39 B747", "the fifty two eighty and GMEF thirty nine B seven forty seven"),
        ("zip 15203, 50000", "zip one five two oh three fifty thousand"),
        ("1 5 0 4", "one five oh four"),
        ("May 5, 1999", "May fifth nineteen ninety nine"),
        ("you may 5", "you may five"),
        ("on 5/12/99", "on may twelfth ninety nine"),
        ("the '90s and 80s", "the nineties and eighties"),
        ("5/8 of 1 1/2", "five eighths of one and one half"),
        ("1½", "one and one half"),
        ("50¢", "fifty cents"),
        ("$5k and $3M", "five thousand dollars and three million dollars"),
        ("call 911", "call nine one one"),
        ("call (412) 555-0199", "call four one two five five five oh one nine nine"),
        ("123-45-6789", "one two three four five six seven eight nine"),
        (
            "4.0.65 and 192.168.0.1",
            "four point zero point sixty five and one ninety two dot one sixty eight dot zero dot one",
        ),
        (".5", "point five"),
        ("No. 5", "number five"),
        ("20°C", "twenty degrees celsius"),
        ("call j.doe@example.co.uk", "call j dot doe at example dot co dot uk"),
        ("example.com.", "example dot com"),
        ("3 000", "three zero zero zero"),
    ],
)
def test_numbers_and_symbols_are_spoken_out(written: str, said: str) -> None:
    assert _words(written) == said


def test_bracketed_text_is_ignored() -> None:
    assert _words("call (not (really)) me <b>at</b> [noise] the {x}") == "call me at the"
    assert _words("call ) me ( at") == "call me at"


def test_punctuation_is_dropped_and_known_words_are_lower_case() -> None:
    assert (
        _words("“Call” me, Mr. Kessler — well-known… IT’S U.S.") == "call me mr. Kessler well-known it's u.s."
    )


def test_other_words_keep_their_case() -> None:
    assert _words("Call IEEE at SageMaker's") == "call IEEE at SageMaker's"


def test_unknown_compounds_fall_apart() -> None:
    assert _words("well-paid semi_known a.b") == "well paid semi known a b"


def test_dotted_letters_stay_one_word() -> None:
    assert _words("the U.N.C.L.E. call") == "the U.N.C.L.E. call"


def test_accents_do_not_hide_a_known_word() -> None:
    assert _words("Naïve Zoë") == "naive Zoë"


def test_custom_words_stay_as_they_are_written() -> None:
    assert _words("call I_B_M, H.264 at 264", "I_B_M", "H.264") == "call I_B_M H.264 at two sixty four"


def test_a_line_without_words_is_empty() -> None:
    assert _words(" ... --- '' () \t") == ""


@given(st.text(max_size=80))
def test_whatever_comes_words_hold_letters_and_no_spaces(line: str) -> None:
    words = Tokeniser(KNOWN.__contains__).words(line)
    assert all(word and not any(map(str.isspace, word)) for word in words)
    assert all(any(map(str.isalpha, word)) for word in words)


@given(st.lists(st.sampled_from(sorted(KNOWN)), max_size=12))
def test_normalised_text_stays_as_it_is(words: list[str]) -> None:
    assert Tokeniser(KNOWN.__contains__).words(" ".join(words)) == words


@given(st.integers(0, 10**14))
def test_every_number_can_be_said(number: int) -> None:
    words = Tokeniser(KNOWN.__contains__).words(f"{number:,}")
    assert words
    assert all(word.isalpha() for word in words)


_PUNCTUATION = st.text("\"'.,;:!?", max_size=3)


@given(
    _PUNCTUATION, st.sampled_from(["HbA1c", "SpO2", "5-FU", "A&E", "q4h", "mg/kg", "T4", "C++"]), _PUNCTUATION
)
def test_punctuation_around_a_custom_word_is_not_of_it(before: str, word: str, behind: str) -> None:
    tokens = Tokeniser(KNOWN.__contains__, ["HbA1c", "SpO2", "5-FU", "A&E", "q4h", "mg/kg", "T4", "C++"])
    assert tokens.words(f"call {before}{word}{behind} for 2") == ["call", word, "for", "two"]


@pytest.mark.parametrize(
    "repeated", ["1.", "1-", "a.", "a@", "1 ", "a-", "1/", "12,", "1:", "a1.", "(123)", "$1"]
)
def test_a_long_line_of_anything_takes_a_time_that_grows_with_its_length(repeated: str) -> None:
    tokens = Tokeniser(KNOWN.__contains__)

    def takes_s(count: int) -> float:
        begun = time.process_time()
        tokens.words(repeated * count + "a9")
        return time.process_time() - begun

    takes_s(100)
    assert takes_s(16_000) < 40 * max(takes_s(1_000), 0.005)
