"""Respelled syllables, as users type them into `sounds_like`."""

from __future__ import annotations

import pytest

from chalicelib.language.pronunciation.pronunciations import guess
from chalicelib.language.pronunciation.respelling import respelled


@pytest.mark.parametrize(
    ("syllable", "phones"),
    [
        ("zuh", "Z AH"),
        ("kuh", "K AH"),
        ("rell", "R EH L"),
        ("dij", "D IH JH"),
        ("pah", "P AA"),
        ("sone", "S OW N"),
        ("cin", "S IH N"),
        ("cal", "K AE L"),
        ("strack", "S T R AE K"),
        ("dahl", "D AA L"),
        ("ing", "IH NG"),
    ],
)
def test_each_letter_stands_for_its_plain_sound(syllable: str, phones: str) -> None:
    assert respelled(syllable) == phones


@pytest.mark.parametrize("other", ["", "h", "kar", "vair", "zorblatt", "relto", "zuhzuh", "sch", "é"])
def test_what_is_no_such_syllable_is_left_to_the_model(other: str) -> None:
    assert respelled(other) == ""


def test_sounds_like_is_read_by_them_where_the_dictionary_has_nothing() -> None:
    listed = {"toe": ("T OW",)}
    (said,) = guess("Xarelto", ["zuh rell toe"], listed=lambda word: listed.get(word, ()))
    assert said == "Z AH R EH L T OW"
