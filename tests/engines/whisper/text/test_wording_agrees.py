"""The wording of what a network writes, against the corpora's tokenizer and smart formatting."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.whisper.text.wording import spoken
from chalicelib.language.spoken.tokenisation import Tokeniser
from chalicelib.recognition.results.smart_formatting import formatter

_KNOWN = frozenset(
    ["mr.", "dr.", "don't", "o'clock", "a.m.", "p.m.", "u.s.", "the", "people", "room", "five"]
)
_WRITTEN = (
    *("$5.20", "$0.05", "$3 million", "$5k", "20 €", "£2", "50¢", "5%", "99.5 %", "10:30 p.m."),
    *("5:00 PM", "at 7:05", "17:05", "May 5, 1999", "5/12/1999", "5/12/99", "2026-11-24"),
    *("the 1990s", "the '90s", "2006", "5/8", "1 1/2", "1½", "555-0199", "(412) 555-0199"),
    *("123-45-6789", "4.0.65", ".5", "call 911", "GMEF39", "B747", "room 312", "527 people", "527"),
    *("15203", "50000", "1 5 0 4 4", "21st", "the 103rd", "-5.5", "10-20 mg", "1 km", "120/80"),
    *("20°C", "#5", "No. 5", "the U.S.", "the FBI", "NASA's", "TVs", "C-I-N-D-Y", "AT&T"),
    *("j.doe@example.com", "www.example.com/news", "Mr. Smith", "Dr. No", "don't"),
    *("“Hello”, he said…", "well-known — so", "[MUSIC]", "(laughs)", "café", "1,234,567", "1+1=2"),
    *("007", "0", "area code 412"),
)


def _said(text: str) -> list[str]:
    return [word for token in spoken(text) for word in token.words]


def _formatted(text: str) -> str:
    return formatter.join(formatter.format_words(_said(text)))


@given(st.lists(st.sampled_from(_WRITTEN), max_size=5).map(" and then ".join))
def test_a_text_means_the_same_words_in_a_corpus(text: str) -> None:
    corpus = Tokeniser(_KNOWN.__contains__).words(text)
    assert _said(" ".join(corpus)) == _said(text)


@given(st.integers(2, 10**12))
def test_numbers_come_back_by_smart_formatting(number: int) -> None:
    assert _formatted(f"take {number:,} of them") == f"take {number} of them"


@given(st.from_regex(r"[1-9][0-9]{2,8}", fullmatch=True))
def test_codes_come_back(code: str) -> None:
    assert _formatted(f"Enter {code}.") == f"enter {code}"


@given(st.integers(1, 999), st.integers(2, 99))
def test_amounts_come_back(dollars: int, cents: int) -> None:
    assert _formatted(f"It is ${dollars}.{cents:02} now.") == f"it is ${dollars}.{cents:02} now"


@given(st.integers(1, 12), st.integers(0, 59), st.sampled_from(["AM", "PM"]))
def test_times_come_back(hour: int, minute: int, half: str) -> None:
    assert (
        _formatted(f"Come at {hour}:{minute:02} {half}, please.")
        == f"come at {hour}:{minute:02} {half} please"
    )


@given(st.integers(1, 12), st.integers(1, 28), st.integers(1900, 2099))
def test_dates_come_back(month: int, day: int, year: int) -> None:
    assert _formatted(f"Born on {month}/{day}/{year}.") == f"born on {month}/{day}/{year}"


@given(st.from_regex(r"[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}", fullmatch=True))
def test_telephone_numbers_come_back(number: str) -> None:
    assert _formatted(f"Call {number}!") == f"call {number}"


@given(st.integers(4, 999))
def test_ordinals_come_back(number: int) -> None:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    assert _formatted(f"the {number}{ending} time") == f"the {number}{ending} time"


def test_decimals_and_addresses_come_back() -> None:
    for text in (
        "it is 3.14",
        "it is -5.5",
        "about $3.5 million",
        "see yahoo.com/news",
        "email j.doe@ibm.com",
    ):
        assert _formatted(text) == text
