"""Smart formatting: what Watson's documentation shows, phrase by phrase, and what holds for any words."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.recognition.results.smart_formatting.formatter import format_words, join
from chalicelib.recognition.results.smart_formatting.number_words import (
    ORDINALS,
    REPEATS,
    SCALES,
    TEENS,
    TENS,
    UNITS,
    ZEROS,
)


def formatted(text: str) -> str:
    return join(format_words(text.split()))


@pytest.mark.parametrize(
    ("said", "written"),
    [
        # dates
        ("I was born on ten oh six nineteen seventy", "I was born on 10/6/1970"),
        ("I was born on the ninth of December nineteen hundred", "I was born on 12/9/1900"),
        ("today is June sixth", "today is June 6"),
        ("june six two thousand twelve", "6/6/2012"),
        ("july the fourth seventeen seventy six", "7/4/1776"),
        ("due on may twenty first twenty twenty six", "due on 5/21/2026"),
        ("the thirty first of october", "October 31"),
        ("in august nineteen oh five", "in August 1905"),
        ("december twenty five", "December 25"),
        ("it may five times", "it may 5 times"),
        ("may fifth", "May 5"),
        ("we march ten miles", "we march 10 miles"),
        ("the second march", "the second march"),
        ("june fortieth", "june 40th"),
        # times
        ("the meeting starts at nine thirty AM", "the meeting starts at 9:30 AM"),
        ("I am available at seven EST", "I am available at 7:00 EST"),
        ("at ten oh five p.m. est", "at 10:05 PM EST"),
        ("at twelve fifteen p. m.", "at 12:15 PM"),
        ("fourteen thirty e. s. t.", "14:30 EST"),
        ("at twenty five am", "at 25 am"),
        ("we meet at oh seven hundred hours", "we meet at 0700 hours"),
        ("eighteen forty five hours", "1845 hours"),
        ("it took two hundred hours", "it took 200 hours"),
        ("five o'clock", "5 o'clock"),
        ("one o'clock", "1 o'clock"),
        ("number one am i right", "number 1 am i right"),
        # times beside an hour, whole or not at all
        ("at a quarter to five p m", "at 4:45 PM"),
        ("quarter past nine a m", "9:15 AM"),
        ("half past six pm est", "6:30 PM EST"),
        ("a quarter to one pm", "12:45 PM"),
        ("a quarter to twelve a. m.", "11:45 PM"),
        ("ten minutes to five p m", "4:50 PM"),
        ("twenty five past six p m", "6:25 PM"),
        ("twenty-five to six pm", "5:35 PM"),
        ("from nine to five pm", "from 9 to 5:00 PM"),
        ("from ten to five pm", "from 10 to 5:00 PM"),
        ("a quarter to five", "a quarter to five"),
        ("at half past six we left", "at half past six we left"),
        ("a quarter to five hundred people", "a quarter to 500 people"),
        # decades
        ("in the nineteen eighties", "in the 1980s"),
        ("the early twenty tens", "the early 2010s"),
        ("in the eighteen hundreds", "in the 1800s"),
        ("in the late two thousands", "in the late 2000s"),
        ("two thousands of them", "two thousands of them"),
        ("two twenties and a five", "two twenties and a 5"),
        ("back in the eighties", "back in the eighties"),
        # mixed numbers
        ("three and a half hours", "three and a half hours"),
        ("one and a half million dollars", "one and a half million dollars"),
        ("twenty-five and a half percent", "twenty-five and a half percent"),
        ("two and three quarters", "two and three quarters"),
        ("five dollars and a half", "five dollars and a half"),
        ("half a million", "half a million"),
        ("five and a dog", "5 and a dog"),
        # numbers
        ("the quantity is one million one hundred and one", "the quantity is 1000101"),
        ("one point five is between one and two", "1.5 is between 1 and 2"),
        ("pi is three point one four one five nine", "pi is 3.14159"),
        ("zero point oh five percent", "0.05 percent"),
        ("minus forty degrees", "-40 degrees"),
        ("ten minus five", "10 minus 5"),
        ("two hundred and three hundred", "200 and 300"),
        ("two thousand and three thousand", "2000 and 3000"),
        ("two hundred and fifty thousand", "250000"),
        ("twenty-five people", "25 people"),
        ("one point five million people", "1.5 million people"),
        ("a hundred times", "100 times"),
        ("a thousand and one nights", "1001 nights"),
        ("the code is zero two four eight one", "the code is 02481"),
        ("double oh seven", "007"),
        ("the twenty first century", "the 21st century"),
        ("the first of many on fifth avenue", "the first of many on 5th avenue"),
        ("one hundred and eleventh street", "111th street"),
        ("wait a second", "wait a second"),
        ("two thirds and one fourth", "2 thirds and one fourth"),
        ("no one is the one of this one", "no one is the one of this one"),
        ("press one to continue", "press 1 to continue"),
        ("oh five of them came", "oh 5 of them came"),
        ("oh no", "oh no"),
        ("a hundred and one dalmatians", "101 dalmatians"),
        # telephone numbers
        ("call me at nine one four two three seven one thousand", "call me at 914-237-1000"),
        ("at one nine one four nine oh nine twenty six forty five", "at 1-914-909-2645"),
        ("plus one eight hundred five five five one two one two", "+1-800-555-1212"),
        ("dial nine one one now", "dial 911 now"),
        ("five five five one two one two", "5551212"),
        # currency
        ("three thousand two hundred two dollars and sixty six", "$3202.66"),
        ("sixty nine thousand five hundred sixty dollars and twenty five cents", "$69560.25"),
        ("sixty nine thousand five hundred sixty dollars point twenty five", "$69560.25"),
        ("one dollar and five cents please", "$1.05 please"),
        ("two dollars and ten people", "$2 and 10 people"),
        ("one point five dollars", "$1.50"),
        ("one point five million euros", "€1.5 million"),
        ("twenty five cents", "$0.25"),
        ("it costs a dollar fifty", "it costs $1.50"),
        ("a dollar twenty five a gallon", "$1.25 a gallon"),
        ("a dollar and fifty cents please", "$1.50 please"),
        ("a euro oh five", "€1.05"),
        ("two dollars fifty people came", "$2 50 people came"),
        ("a dollar fifty people came", "a dollar 50 people came"),
        ("a dollar five", "a dollar five"),
        ("a dollar or two", "a dollar or two"),
        ("a dollar a day", "a dollar a day"),
        ("a pound twenty", "a pound twenty"),
        ("two pounds fifty each", "two pounds fifty each"),
        ("two pounds of fifty", "2 pounds of 50"),
        ("a buck fifty", "a buck fifty"),
        ("a hundred fifty", "150"),
        ("a twenty dollar bill", "a $20 bill"),
        (
            "the dollar rose to one hundred and nine point seven nine yen",
            "the dollar rose to 109.79 yen",
        ),
        # e-mail and web addresses
        ("my email address is john dot doe at foo dot com", "my email address is john.doe@foo.com"),
        ("my email address is j dot d o e at i b m dot com", "my email address is j.doe@ibm.com"),
        ("my e-mail is j. underscore doe at foo dot co dot uk", "my e-mail is j_doe@foo.co.uk"),
        ("I looked at yahoo dot com", "I looked at yahoo.com"),
        ("there are forty seven links on Yahoo dot com now", "there are 47 links on Yahoo.com now"),
        ("w. w. w. dot yahoo dot com slash news", "www.yahoo.com/news"),
        ("the dot com bubble", "the dot com bubble"),
        ("connect the dot dot dot", "connect the dot dot dot"),
        # combinations and punctuation
        (
            "the code is zero two four eight one and the date of service is May fifth two thousand and one",
            "the code is 02481 and the date of service is 5/5/2001",
        ),
        ("the warranty period is short period", "the warranty period is short."),
        ("for a short period", "for a short period"),
        ("hello comma how are you question mark", "hello, how are you?"),
        ("stop exclamation point", "stop!"),
        ("the question mark", "the question mark"),
        ("", ""),
    ],
)
def test_phrases(said: str, written: str) -> None:
    assert formatted(said) == written


def spoken(number: int, *, with_and: bool = False) -> str:
    """Say a number below 10^12."""
    for scale, name in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred")):
        if number >= scale:
            rest = number % scale
            between = " and " if with_and and rest < 100 else " "
            said = f"{spoken(number // scale)} {name}"
            return f"{said}{between}{spoken(rest, with_and=with_and)}" if rest else said
    words = {value: word for word, value in {**UNITS, **TEENS, **TENS}.items()} | {0: "zero"}
    return words.get(number) or f"{words[number // 10 * 10]} {words[number % 10]}"


@pytest.mark.parametrize("with_and", [False, True])
def test_every_number_up_to_ten_thousand_comes_back(with_and: bool) -> None:
    for number in range(10_001):
        if number != 1:
            assert formatted(spoken(number, with_and=with_and)) == str(number)


@given(number=st.integers(2, 10**12 - 1), with_and=st.booleans())
def test_every_number_comes_back(number: int, with_and: bool) -> None:
    assert formatted(f"about {spoken(number, with_and=with_and)} of them") == f"about {number} of them"


@given(
    dollars=st.integers(1, 999),
    cents=st.integers(1, 99),
    following=st.sampled_from(["", " please", " a gallon", " each", " for two"]),
    a=st.booleans(),
    unit=st.sampled_from([("dollar", "$"), ("euro", "€")]),
)
def test_every_amount_comes_back_without_the_word_cents(
    dollars: int, cents: int, following: str, a: bool, unit: tuple[str, str]
) -> None:
    name, symbol = unit
    said = f"{'a' if a else spoken(dollars)} {name}{'' if a or dollars == 1 else 's'}"
    said += f" {'oh ' if cents < 10 else ''}{spoken(cents)}{following}"
    written = f"{symbol}{1 if a else dollars}.{cents:02}{following.replace('two', '2')}"
    assert formatted(f"it costs {said}") == f"it costs {written}"


@given(digits=st.text("0123456789", min_size=3, max_size=20).filter(lambda digits: digits[0] != "0"))
def test_every_series_of_digits_comes_back(digits: str) -> None:
    said = " ".join(spoken(int(digit)) for digit in digits)
    assert re.sub("[-]", "", formatted(f"code {said} ok")) == f"code {digits} ok"


@given(number=st.integers(4, 99))
def test_every_ordinal_comes_back(number: int) -> None:
    said = {value: word for word, value in ORDINALS.items()}
    word = said.get(number) or f"{spoken(number // 10 * 10)} {said[number % 10]}"
    assert re.fullmatch(rf"the {number}(st|nd|rd|th) line", formatted(f"the {word} line"))


@given(month=st.integers(1, 12), day=st.integers(1, 31), year=st.integers(1910, 1999))
def test_every_date_in_numbers_comes_back(month: int, day: int, year: int) -> None:
    said = f"on {spoken(month)} {spoken(day)} nineteen {spoken(year % 100)}"
    # "twenty" and "five" are one number, so not every date can be said like this.
    if not (day in (20, 30) or month % 100 in (20, 30)):
        assert formatted(said) == f"on {month}/{day}/{year}"


GRAMMAR = [
    *UNITS,
    *TEENS,
    *TENS,
    *SCALES,
    *ZEROS,
    *REPEATS,
    *ORDINALS,
    *[
        "hundred",
        "a",
        "and",
        "point",
        "minus",
        "plus",
        "dollars",
        "cents",
        "euros",
        "am",
        "p.m.",
        "est",
        "hours",
        "o'clock",
        "june",
        "may",
        "of",
        "the",
    ],
    *[
        "dot",
        "at",
        "com",
        "yahoo",
        "john",
        "email",
        "underscore",
        "slash",
        "comma",
        "period",
        "question",
        "mark",
        "w.",
        "e.",
        "twenty-five",
    ],
]
OTHERS = ["tornadoes", "swept", "%HESITATION", "****", "colorado's"]
transcripts = st.lists(st.sampled_from([*GRAMMAR, *OTHERS]), max_size=14)


@given(transcripts)
def test_every_word_is_in_one_piece_in_order(words: list[str]) -> None:
    pieces = format_words(words)
    assert [place for piece in pieces for place in piece.places] == list(range(len(words)))
    assert all(piece.text for piece in pieces)


@given(transcripts)
def test_words_that_say_no_number_are_kept(words: list[str]) -> None:
    formatted_words = [word.rstrip(",.?!") for word in join(format_words(words)).split()]
    assert [word for word in formatted_words if word in OTHERS] == [word for word in words if word in OTHERS]


@given(transcripts)
def test_formatting_twice_changes_nothing(words: list[str]) -> None:
    # "june the tenth period" becomes "June 10 period", where nothing tells any more that this is a noun.
    assume("period" not in words or "the" not in words)
    once = join(format_words(words))
    assert formatted(once) == once


@given(st.lists(st.text(min_size=1).filter(lambda word: not word.isspace()), max_size=8))
def test_anything_can_be_formatted(words: list[str]) -> None:
    assert [place for piece in format_words(words) for place in piece.places] == list(range(len(words)))


def test_a_long_transcript_takes_linear_time() -> None:
    words = ["one", "hundred", "and", "dot", "twenty", "w.", "thousand"] * 3000
    assert sum(len(piece.places) for piece in format_words(words)) == len(words)
