"""Transcripts are found where the text holds what was heard, and only there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_image.speech.transcripts import Transcripts

TEXT = [
    "please enter your password followed by the pound key",
    "there are no more messages in your mailbox",
    "to hear the next message press six",
    "to hear the previous message press four",
    "goodbye",
]
TRANSCRIPTS = Transcripts([line.split() for line in TEXT])


@pytest.mark.parametrize(
    ("heard", "spoken"),
    [
        ("please enter your password followed by the pound key", TEXT[0]),
        ("please center your password followed by a pound key", TEXT[0]),
        ("enter your pass word followed by the pound key", TEXT[0]),
        ("there are no more messages in your mail box", TEXT[1]),
        ("to hear the next message press sick", TEXT[2]),
        ("to hear the previous message press for", TEXT[3]),
        (
            "no more messages in your mailbox to hear the next",
            "no more messages in your mailbox to hear the next",
        ),
        ("please answer you past bird follow by the pound he", None),
        ("the weather is nice in your garden", None),
        ("goodbye", None),
        ("", None),
    ],
)
def test_what_was_heard_finds_its_transcript(heard: str, spoken: str | None) -> None:
    found = TRANSCRIPTS.find(heard.split())
    assert (None if found is None else " ".join(found)) == spoken


def test_no_text_holds_nothing() -> None:
    assert Transcripts(()).find(["to", "hear", "the", "next"]) is None


WORDS = st.sampled_from(
    ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"]
)


@given(st.lists(st.lists(WORDS, min_size=3, max_size=8), min_size=1, max_size=6), st.data())
def test_an_exact_sentence_is_found(sentences: list[list[str]], data: st.DataObject) -> None:
    sentence = data.draw(st.sampled_from(sentences))
    assert Transcripts(sentences).find(sentence) == tuple(sentence)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=8), max_size=6), st.lists(WORDS, max_size=10))
def test_what_is_found_stands_in_the_text(sentences: list[list[str]], heard: list[str]) -> None:
    found = Transcripts(sentences).find(heard)
    if found is not None:
        text = f" {' '.join(word for sentence in sentences for word in sentence)} "
        assert f" {' '.join(found)} " in text
