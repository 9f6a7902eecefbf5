"""What a network writes, as it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.whisper.text.wording import spoken, worded


def _said(text: str) -> str:
    return " ".join(word for token in spoken(text) for word in token.words)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Mr. Smith paid $5.20, didn't he?", "mister smith paid five dollars and twenty cents didn't he"),
        ("GMEF39", "g m e f thirty nine"),
        ("He came at 5:00 p.m. to St. Louis", "he came at five p m to saint louis"),
        ("$3 million, 5 km and 1 km", "three million dollars five kilometers and one kilometer"),
        ("The FBI's U.S. office, NASA's TVs", "the f b i's u s office nasa's t v's"),
        ("C-I-N-D-Y", "c i n d y"),
        ("MAH ONEY.", "m a h o n e y"),
        ("In World War II a Ph.D. and a PhD", "in world war two a p h d and a p h d"),
        ("Press # or *.", "press pound or star"),
        (
            "Dr. Jones lives in St. Mary St., Apt. 5, not in Mulholland Dr.",
            "doctor jones lives in saint mary street apartment five not in mulholland drive",
        ),
        (
            "Gen. Lee, Acme Inc. in Jan. 1999, etc.",
            "general lee acme incorporated in january nineteen ninety nine et cetera",
        ),
        ("Area code 412, ZIP code 15203.", "area code four one two zip code one five two oh three"),
        ("HELLO THERE AND GOODBYE", "hello there and goodbye"),
        ("[MUSIC] (laughs) *sighs* ♪ la la ♪ So…", "so"),
        ("“don’t” - café!", "don't cafe"),
    ],
)
def test_what_is_written_is_read_as_it_is_said(written: str, words: str) -> None:
    assert _said(written) == words


@given(st.text(max_size=60) | st.text("aBC 50.:$-'()[]/pm°%,", max_size=40))
def test_nothing_written_is_lost_and_words_hold_only_letters_and_apostrophes(text: str) -> None:
    tokens = spoken(text)
    assert " ".join(token.written for token in tokens) == " ".join(text.split())
    for token in tokens:
        assert all(word.strip("'") and word.lower() == word for word in token.words)
        assert all(sign.isalpha() or sign == "'" for word in token.words for sign in word)


@given(st.text(max_size=60) | st.text("aB 5.:$-'()[]/pm°%,", max_size=40))
def test_every_word_has_its_piece_of_the_written_text(text: str) -> None:
    tokens = spoken(text)
    pieces = worded(tokens)
    assert [word for word, _ in pieces] == [word for token in tokens for word in token.words]
    if pieces:
        assert " ".join(written for _, written in pieces if written) == " ".join(text.split())
