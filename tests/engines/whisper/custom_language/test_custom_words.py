"""Custom words in a network's text."""

from __future__ import annotations

import pytest

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, KeywordHit, Word, WordSlot
from chalicelib.engines.whisper.custom_language.custom_words import CustomWords, said_as
from chalicelib.language.artefact import ArtefactWord
from chalicelib.language.pronunciation.pronunciations import guess

WORDS = CustomWords(
    [
        ArtefactWord("Zorblatt", guess("zorblatt"), "Zorblatt Inc."),
        ArtefactWord("IEEE", ("AY T R IH P AH L IY",)),
        ArtefactWord("hhonors", guess("h honors"), "HHonors"),
    ],
    lambda word: {"call": ("K AO L",), "now": ("N AW",)}.get(word, ()),
)


def _heard(*words: str) -> DecodedUtterance:
    found = tuple(Word(word, place, place + 1, 0.9 - place / 10) for place, word in enumerate(words))
    return DecodedUtterance((Hypothesis(found, 0.5),))


def test_what_sounds_like_a_word_is_tried_as_that_word() -> None:
    found = WORDS.variants("Call sore blat, now.")
    assert ("Call Zorblatt, now.", "Zorblatt") in [(one.text, one.word) for one in found]
    assert WORDS.variants("Please hold the line.") == []


def test_a_word_that_is_written_already_is_not_tried_again() -> None:
    assert all(one.word != "Zorblatt" for one in WORDS.variants("Call zorblatt, now."))


def test_a_sentence_may_begin_with_it() -> None:
    words = CustomWords([ArtefactWord("zorblatt", guess("zorblatt"))], lambda _: ())
    texts = [one.text for one in words.variants("Sore blat.")]
    assert texts[:2] == ["zorblatt.", "Zorblatt."]


def test_words_are_shown_as_their_user_wants() -> None:
    shown = WORDS.shown(_heard("call", "zorblatt", "now"))
    assert [word.text for word in shown.hypotheses[0].words] == ["call", "Zorblatt Inc.", "now"]


def test_a_word_that_is_read_as_several_is_one_again() -> None:
    assert said_as("IEEE") == ("i", "e", "e", "e")
    (reading,) = WORDS.shown(_heard("the", "i", "e", "e", "e", "says", "e")).hypotheses
    assert [word.text for word in reading.words] == ["the", "IEEE", "says", "e"]
    assert (reading.words[1].start_s, reading.words[1].end_s) == (1, 5)
    assert reading.words[1].posterior == pytest.approx(0.5)


def test_words_of_grammars_are_shown_but_not_looked_for() -> None:
    words = CustomWords([], lambda _: (), [ArtefactWord("zorblatt", guess("zorblatt"), "ZB", in_model=False)])
    assert words.variants("Call sore blat.") == []
    assert words.shown(_heard("zorblatt")).hypotheses[0].text == "ZB"


def test_slots_show_words_in_the_same_way() -> None:
    heard = DecodedUtterance(slots=(WordSlot(0, 1, (("zorblatt", 0.7), ("sore", 0.2))),))
    assert WORDS.shown(heard).slots[0].alternatives == (("Zorblatt Inc.", 0.7), ("sore", 0.2))


def test_keywords_may_name_what_is_said_or_what_is_shown() -> None:
    keywords = ("call zorblatt inc.", "zorblatt", "ieee", "now")
    asked = WORDS.asked(keywords)
    assert {"call zorblatt", "zorblatt", "i e e e", "now"} <= set(asked)
    heard = DecodedUtterance(
        keywords=(
            KeywordHit("now", 2, 3, 0.9),
            KeywordHit("call zorblatt", 0, 2, 0.6),
            KeywordHit("zorblatt", 1, 2, 0.6),
            KeywordHit("i e e e", 3, 4, 0.3),
        )
    )
    shown = WORDS.shown(heard, keywords)
    assert [(hit.keyword, hit.start_s) for hit in shown.keywords] == [
        ("call zorblatt inc.", 0),
        ("zorblatt", 1),
        ("now", 2),
        ("ieee", 3),
    ]


def test_without_words_nothing_changes() -> None:
    nothing = CustomWords([], lambda _: ())
    heard = _heard("call", "zorblatt")
    assert nothing.shown(heard) is heard
    assert nothing.variants("call me") == []
    assert nothing.asked(["call me"]) == ("call me",)
