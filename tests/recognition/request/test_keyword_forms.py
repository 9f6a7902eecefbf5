"""Keywords as clients write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.recognition.request import keyword_forms


@pytest.mark.parametrize(
    ("text", "keywords"),
    [
        ("colorado, tornado warning,,storm ", ["colorado", "tornado warning", "", "storm"]),
        ('"message","finished"', ["message", "finished"]),
        ('"call, please" , options', ["call, please", "options"]),
        ("“message”,options", ["message", "options"]),
        ('["message", "pound key"]', ["message", "pound key"]),
        ('["\\"message\\""]', ["message"]),
        ("[message", ["[message"]),
        ('"message', ['"message']),
        ('say "yes" now,no', ['say "yes" now', "no"]),
        ("", []),
    ],
)
def test_lists(text: str, keywords: list[str]) -> None:
    assert [keyword_forms.unquoted(str(each)) for each in keyword_forms.listed(text)] == keywords


@given(st.text(max_size=50))
def test_any_text_is_a_list(text: str) -> None:
    keyword_forms.listed(text)


@pytest.mark.parametrize(
    ("keyword", "form"),
    [
        ("4", "four"),
        ("25", "twenty five"),
        ("1984", "nineteen eighty four"),
        ("3rd", "third"),
        ("$5", "five dollars"),
        ("finished.", "finished"),
        ("Hang up!", "hang up"),
        ("check-in", "check in"),
        ("twenty-five", "twenty five"),
        ("e-mail", "email"),
        ("e-mail", "e mail"),
        ("don’t", "don't"),
        ("Tornado  Warning", "tornado warning"),
        ("wi-fi", "wi-fi"),
    ],
)
def test_forms(keyword: str, form: str) -> None:
    assert form in keyword_forms.forms(keyword, english=True)


def test_a_plain_keyword_has_one_form() -> None:
    assert keyword_forms.forms("Storm", english=True) == ("storm",)
    assert keyword_forms.forms("25", english=False) == ("25",)


def test_what_no_words_can_match() -> None:
    keywords = ["storm", "4", "!!!", "$", "通話", "café"]
    assert keyword_forms.unheard(keywords, english=True) == ["!!!", "$", "通話"]
    assert keyword_forms.unheard(keywords, english=False) == ["!!!", "$"]
