"""Words that sound like others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.language.pronunciation.near_sounding import SoundIndex, distance
from chalicelib.language.pronunciation.pronunciations import guess

PHONES = st.lists(st.sampled_from("AA AH IY B P S Z T D N M L R K HH".split()), min_size=1, max_size=7)  # noqa: SIM905


def _phones(text: str) -> list[list[str]]:
    return [guess(word)[0].split() for word in text.split()]


@given(PHONES, PHONES)
def test_a_distance_is_none_for_the_same_and_symmetric(one: list[str], other: list[str]) -> None:
    assert distance(one, one) == 0
    assert distance(one, other) * len(one) == pytest.approx(distance(other, one) * len(other))
    assert (distance(one, other) == 0) == (one == other)


@given(PHONES, PHONES, PHONES)
def test_no_way_round_is_shorter(one: list[str], other: list[str], third: list[str]) -> None:
    def cost(left: Sequence[str], right: Sequence[str]) -> float:
        return distance(left, right) * len(left)

    assert cost(one, third) <= 2.5 * (cost(one, other) + cost(other, third)) + 1e-9


@given(PHONES, st.lists(PHONES, max_size=3), st.lists(PHONES, max_size=3))
def test_a_word_is_found_where_it_is_said(
    said: list[str], before: list[list[str]], behind: list[list[str]]
) -> None:
    index = SoundIndex([("it", [" ".join(said)])])
    place = index.places([*before, said, *behind], 0.3)[0]
    assert place.distance == 0
    text = [*before, said, *behind]
    assert [phone for word in text[place.first : place.last + 1] for phone in word] == said


def test_a_word_is_found_in_several_words_that_sound_like_it() -> None:
    index = SoundIndex([("Zorblatt", guess("zorblatt")), ("Quuxly", guess("quuxly"))])
    place = index.places(_phones("please call sore blot today"), 0.4)[0]
    assert (place.word, place.first, place.last) == ("Zorblatt", 2, 3)
    assert place.distance < 0.3


def test_whether_one_more_word_belongs_to_it_is_left_open() -> None:
    index = SoundIndex([("Vorlandia", ["V AO R L AE N D IY AH"])])
    found = index.places(_phones("send it to more land here please"), 0.45)
    assert {(place.first, place.last) for place in found} == {(3, 4), (3, 5)}


def test_what_sounds_otherwise_is_not_found() -> None:
    index = SoundIndex([("Zorblatt", guess("zorblatt"))])
    assert index.places(_phones("please hold the line for a moment"), 0.4) == []
    assert index.places([], 0.4) == []
    assert SoundIndex([]).places(_phones("hello"), 0.4) == []


def test_the_nearest_comes_first_whichever_way_it_is_said() -> None:
    index = SoundIndex([("Dahdi", ["D AA D IY", "D AE D IY"]), ("Dada", ["D AA D AH"])])
    found = index.places([["D", "AE", "D", "IY"]], 0.5)
    assert list(dict.fromkeys(place.word for place in found)) == ["Dahdi", "Dada"]
    assert found[0].distance == 0


def test_many_words_do_not_hide_the_one_that_was_said() -> None:
    names = [
        f"{a}{b}{c}" for a in ("ka", "lo", "mi", "ru") for b in ("ten", "sol", "var") for c in ("do", "na")
    ]
    index = SoundIndex([(name, guess(name)) for name in names])
    for name in names:
        assert index.places(_phones(f"the {name} is"), 0.1)[0].word == name
