"""How custom words are said, and what is wrong with a `sounds_like`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.vocabulary import vocabulary
from chalicelib.language.pronunciation.joint_model import Graphone, JointModel, Order, read, written
from chalicelib.language.pronunciation.pronunciations import (
    Unpronounceable,
    default_sounds_like,
    guess,
    problems,
)

BASE = vocabulary("en-US_BroadbandModel.v2020-01-16")
PHONES = {phone for entry in BASE.entries.values() for one in entry for phone in one.split()}


def _said(word: str, *sounds_like: str) -> tuple[str, ...]:
    return guess(word, sounds_like, listed=BASE.pronunciations)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("zorblatt", "Z AO R B L AE T"),
        ("blick", "B L IH K"),
        ("I_B_M", "AY B IY EH M"),
        ("U.S.A.", "Y UW EH S EY"),
        ("mp3", "EH M P IY TH R IY"),
        ("AT&T", "EY T IY AH N D T IY"),
        ("AT&T's", "EY T IY AH N D T IY Z"),
        ("A1", "EY W AH N"),
        ("at&t", "AE T AH N D T IY"),
        ("handrail", "HH AE N D R EY L"),
    ],
)
def test_spellings_are_read(word: str, phones: str) -> None:
    assert _said(word)[0] == phones


def test_a_listed_word_is_said_as_listed() -> None:
    assert _said("Tomato") == BASE.pronunciations("tomato")
    assert len(_said("tomato")) > 1


def test_a_possessive_follows_its_stem() -> None:
    listed = {"cat": ("K AE T",), "fox": ("F AA K S",), "dog": ("D AO G",)}
    said = [guess(f"{stem}'s", listed=lambda word: listed.get(word, ())) for stem in listed]
    assert said == [("K AE T S",), ("F AA K S IH Z",), ("D AO G Z",)]


def test_acronyms_are_said_both_ways() -> None:
    assert _said("QXLO")[0] == "K Y UW EH K S EH L OW"
    assert len(_said("QXLO")) == 2


def test_sounds_like_gives_one_pronunciation_each() -> None:
    said = _said("NCAA", "N. C. A. A.", "N C double A")
    assert said == ("EH N S IY EY EY", "EH N S IY D AH B AH L EY")
    assert _said("hhonors", "hilton honors") == ("HH IH L T AH N AA N ER Z",)
    assert _said("x", "a dog") == ("AH D AO G",)


def test_a_word_in_another_script_cannot_be_said() -> None:
    with pytest.raises(Unpronounceable, match="привет"):
        _said("привет")
    assert _said("привет", "privet")


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzé'-_.09", min_size=1, max_size=30).filter(str.islower))
def test_whatever_is_spelt_has_phones_of_the_base(word: str) -> None:
    try:
        said = guess(word, listed=BASE.pronunciations)
    except Unpronounceable:
        return
    assert said
    assert all(set(one.split()) <= PHONES for one in said)


@pytest.mark.parametrize(
    ("sounds_like", "problem"),
    [
        ("75 hours", "Numbers are not allowed in sounds_like. You can try for example 'seventy five hours'."),
        ("x" * 41, "longer than 40 characters"),
        ("a-b", "Dashes are not allowed in sounds_like. You can try for example 'a b'."),
        ("...", "no letters of US English"),
    ],
)
def test_what_no_sounds_like_may_hold(sounds_like: str, problem: str) -> None:
    (found,) = problems([sounds_like])
    assert problem in found


def test_forty_letters_and_five_readings_are_allowed() -> None:
    assert problems(["x" * 20 + " " + "y" * 20] * 5) == ()
    assert "at most 5" in problems(["a"] * 6)[0]


def test_the_default_is_the_spelling() -> None:
    assert default_sounds_like("Zorblatt") == "zorblatt"
    assert default_sounds_like("IEEE") == "I. E. E. E."
    assert default_sounds_like("I_B_M") == "i b m"
    assert default_sounds_like("R2D2") == "R. two D. two"
    assert default_sounds_like("AT&T") == "A. T. and T."
    assert default_sounds_like("C++") == "c plus plus"
    assert default_sounds_like("1,500%") == "one thousand five hundred percent"


@given(st.text(alphabet="abcXYZé'-_.,/()%&+@09", min_size=1, max_size=12))
def test_the_default_may_be_given_as_a_sounds_like(word: str) -> None:
    try:
        guess(word)
    except Unpronounceable:
        return
    default = default_sounds_like(word)
    if len(default.replace(" ", "")) <= 40:
        assert problems([default]) == ()
        assert guess("other", [default])


def test_a_written_model_is_read(tmp_path: Path) -> None:
    graphones = [Graphone("", ()), Graphone("", ()), Graphone("a", ("AE",)), Graphone("b", ("B",))]
    orders = [
        Order([0, 1, 2, 3], [200, 10, 10, 10], [0, 0, 0, 0], [1, 0, 1, 0]),
        Order([2, 3], [2, 2], [0, 0], [0, 0]),
    ]
    path = tmp_path / "model.bin"
    path.write_bytes(written(graphones, orders))
    for model in (read(path), JointModel(graphones, orders)):
        assert model.phones("ab?b") == ("AE", "B", "B")
        assert model.phones("") == ()
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="no pronunciation model"):
        read(path)


@pytest.mark.parametrize("word", ["a-" * 64, "the_" * 32, "a&" * 19 + "a"])
def test_many_pieces_with_two_readings_each_do_not_multiply(word: str) -> None:
    first = _said(word)
    assert 1 <= len(first) <= 5
    assert len(set(first)) == len(first)


def test_the_first_of_all_combinations_are_taken() -> None:
    listed = {"a": ("AH", "EY"), "either": ("IY DH ER", "AY DH ER"), "zed": ("Z EH D",)}
    said = guess("a-either-zed-a", listed=lambda word: listed.get(word, ()))
    first, second = "AH IY DH ER Z EH D", "AH AY DH ER Z EH D"
    assert said == (f"{first} AH", f"{first} EY", f"{second} AH", f"{second} EY", "EY IY DH ER Z EH D AH")


@pytest.mark.parametrize("word", ["µg", "β-blocker", "naïveж"])
def test_a_word_with_one_letter_that_cannot_be_said_is_not_guessed(word: str) -> None:
    with pytest.raises(Unpronounceable):
        _said(word)
    assert _said(word, "micro grams")
    assert problems([word])
    assert not problems(["naïve"])
