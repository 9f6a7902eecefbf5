"""Words of languages other than English, as the network writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.whisper.text.plain_wording import plain
from chalicelib.engines.whisper.text.wording import worded


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Bonjour, où est l\u2019hôtel ?", "bonjour où est l'hôtel"),
        ("« Peut-être », dit-il… à 10,50 €.", "peut-être dit-il à 10,50"),
        ("안녕하세요. 만나서 반갑습니다!", "안녕하세요 만나서 반갑습니다"),
        ("¿Qué? ¡No!", "qué no"),
        ("Straße und Äpfel [Musik] (lacht)", "straße und äpfel"),
        ("مَرْحَبًا بكم", "مرحبا بكم"),
        ("e\u0301te\u0301", "été"),
        ("...", ""),
    ],
)
def test_words_are_lower_case_and_without_punctuation(written: str, words: str) -> None:
    assert " ".join(word for piece in plain(written.split()) for word in piece.words) == words


def test_what_is_written_together_without_spaces_gives_a_word_each() -> None:
    assert worded(plain(["你好", "，", "世界", "。"])) == [("你好", "你好 ，"), ("世界", "世界 。")]


@given(st.lists(st.text(min_size=1)))
def test_all_that_is_written_stays_with_its_words(pieces: list[str]) -> None:
    written = [piece.strip() for piece in pieces if piece.strip()]
    assert [one.written for one in plain(pieces)] == written
    for one in plain(pieces):
        assert all(word and " " not in word for word in one.words)


@given(st.text())
def test_plain_words_are_plain_already(text: str) -> None:
    words = [word for one in plain(text.split()) for word in one.words]
    assert [word for one in plain(words) for word in one.words] == words
