from __future__ import annotations

import pytest

from chalicelib.evaluation.wording import Wording, script_of

ENGLISH = Wording("en-US")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Please call 42, now!", "please call forty two now"),
        ("%HESITATION uh, well [noise] I'm (laughs) here", "well i'm here"),
        ("It\u2019s twenty-one \u2014 caf\u00e9", "it's twenty one cafe"),
        ("$5 at 9:30 p.m.", "five dollars at nine thirty p m"),
        ("<unk> {brth} ((two)) 'quoted'", "quoted"),
        ("", ""),
        ("... ! ?", ""),
    ],
)
def test_english_is_brought_to_words_as_they_are_spoken(written: str, words: str) -> None:
    assert ENGLISH.words(written) == words.split()
    assert ENGLISH.words(words) == words.split(), "what is recognised stays as it is"


def test_other_languages_keep_numbers_and_accents() -> None:
    assert Wording("fr-FR").words("L'h\u00f4tel a 12 chambres, \u00e0 c\u00f4t\u00e9.") == [
        "l'h\u00f4tel",
        "a",
        "12",
        "chambres",
        "\u00e0",
        "c\u00f4t\u00e9",
    ]
    assert Wording("de-DE").words("%HESITATION um wie viel Uhr kommt er?") == [
        *("um", "wie", "viel", "uhr", "kommt", "er"),
    ]
    vowelled, bare = "\u0643\u064e\u062a\u064e\u0628\u064e", "\u0643\u062a\u0628"
    assert Wording("ar-MS").words(vowelled) == [bare]


def test_languages_without_spaces_are_compared_by_characters() -> None:
    chinese = Wording("zh-CN")
    assert chinese.unit == "characters"
    assert chinese.words("\u4f60\u597d\uff0c \u4e16\u754c!") == list("\u4f60\u597d\u4e16\u754c")
    assert chinese.joined(["\u4f60", "\u597d"]) == "\u4f60\u597d"
    assert "character" in chinese.said
    assert "US English" in ENGLISH.said
    assert "US English" not in chinese.said


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("hello", "Latin"),
        ("\u0434\u043e\u0431\u0440\u044b\u0439 a", "Cyrillic"),
        ("\u4f60\u597d", "Chinese and Japanese"),
        ("\u3042\u30a2\u30fc", "Chinese and Japanese"),
        ("\uc548\ub155", "Hangul"),
        ("12 !", None),
    ],
)
def test_the_script_is_that_of_most_letters(text: str, script: str | None) -> None:
    assert script_of(text) == script


@pytest.mark.parametrize(("language", "script"), [("en-US", "Latin"), ("ja-JP", "Chinese and Japanese")])
def test_a_language_has_a_script(language: str, script: str) -> None:
    assert Wording(language).script == script
