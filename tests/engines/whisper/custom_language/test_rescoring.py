"""Readings weighed once more with a custom language."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.whisper.custom_language.custom_words import CustomWords
from chalicelib.engines.whisper.custom_language.rescoring import CandidateReading, CustomLanguage, rescored
from chalicelib.language.artefact import ArtefactWord
from chalicelib.language.ngram_models.estimation import estimate, numbered
from chalicelib.language.ngram_models.preference import Preference
from chalicelib.language.pronunciation.pronunciations import guess

NOTHING = CustomWords([], lambda _: ())
ZORBLATT = CustomWords([ArtefactWord("Zorblatt", guess("zorblatt"))], lambda _: ())


def _never(_: Sequence[str]) -> Sequence[float]:
    pytest.fail("nothing is to be scored")


def _tokens(text: str) -> int:
    return len(text.split())


def _language(weight: float, words: CustomWords = NOTHING) -> CustomLanguage:
    corpus = ["to the forwarded message at the tone", "at the tone please record"]
    ngrams = estimate(numbered([line.split() for line in corpus]))
    return CustomLanguage(Preference(ngrams, np.full(len(ngrams.words), 1e-3), weight), words)


@given(st.lists(st.floats(-3, 0), min_size=1, max_size=10, unique=True))
def test_without_a_preference_the_order_stays(scores: list[float]) -> None:
    readings = [CandidateReading(f"text {number}", score, 2) for number, score in enumerate(scores)]
    ordered = sorted(readings, key=lambda one: -one.score)
    found = rescored(ordered, _language(0.0), _never, _tokens)
    assert [one.text for one in found] == [one.text for one in ordered]
    assert [one.score for one in found] == pytest.approx([one.score for one in ordered])


def test_the_corpora_decide_between_texts_that_sound_alike() -> None:
    readings = [
        CandidateReading("At the town please record.", -0.30, 6),
        CandidateReading("At the tone please record.", -0.35, 6),
    ]
    assert rescored(readings, _language(0.3), _never, _tokens)[0].text == "At the tone please record."
    assert rescored(readings, _language(0.0), _never, _tokens)[0].text == "At the town please record."


def test_a_reading_that_breaks_off_is_never_preferred() -> None:
    text = "At the tone please record your name and then hang up or wait."
    readings = [CandidateReading(text, -0.12, 14), CandidateReading("At the tone please record.", -0.3, 6)]
    for weight in (0.0, 0.3, 0.9):
        assert [one.text for one in rescored(readings, _language(weight), _never, _tokens)] == [text]


def test_what_the_network_heard_clearly_stays() -> None:
    readings = [
        CandidateReading("At the town please record.", -0.1, 6),
        CandidateReading("At the tone please record.", -3.0, 6),
    ]
    assert rescored(readings, _language(0.3), _never, _tokens)[0].text == "At the town please record."


def test_a_custom_word_is_taken_where_the_network_agrees() -> None:
    asked: list[str] = []

    def agreeing(texts: Sequence[str]) -> Sequence[float]:
        asked.extend(texts)
        return [-3.0] * len(texts)

    def disagreeing(texts: Sequence[str]) -> Sequence[float]:
        return [-30.0 if "Zorblatt" in text else -3.0 for text in texts]

    readings = [CandidateReading("Call sore blat now.", -0.5, 5)]
    language = CustomLanguage(Preference(None, None, 0.3, ["Zorblatt"]), ZORBLATT)
    assert rescored(readings, language, agreeing, _tokens)[0].text == "Call Zorblatt now."
    assert asked[0] == "Call sore blat now."
    assert rescored(readings, language, disagreeing, _tokens)[0].text == "Call sore blat now."
