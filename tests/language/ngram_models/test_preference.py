"""How much a custom language model prefers a text."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.language.ngram_models.estimation import estimate, numbered
from chalicelib.language.ngram_models.ngrams import NGrams
from chalicelib.language.ngram_models.preference import Preference

CORPUS = ["press one to hear the message", "the message was sent by Zorblatt", "press two to repeat it"]


@pytest.fixture(scope="module")
def ngrams() -> NGrams:
    return estimate(numbered([line.split() for line in CORPUS]))


def _background(ngrams: NGrams) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([0.0 if word in ("<s>", "Zorblatt") else 0.01 for word in ngrams.words])


def _preference(ngrams: NGrams, weight: float, *words: str) -> Preference:
    return Preference(ngrams, _background(ngrams), weight, words)


def test_what_the_corpora_say_is_preferred(ngrams: NGrams) -> None:
    preference = _preference(ngrams, 0.3)
    assert preference.log_ratio("Press one to repeat it.") > preference.log_ratio("Rest one to repeat it.")
    assert preference.log_ratio("the message was sent") > preference.log_ratio("message the sent was")


def test_a_text_is_read_as_corpora_are(ngrams: NGrams) -> None:
    preference = _preference(ngrams, 0.3)
    assert preference.log_ratio("PRESS 1, to hear the message!") == preference.log_ratio_of_words(
        ["press", "one", "to", "hear", "the", "message"]
    )
    assert preference.log_ratio("by zorblatt") == preference.log_ratio("by Zorblatt") > 5


def test_an_unknown_word_costs_what_the_custom_models_share_is(ngrams: NGrams) -> None:
    preference = _preference(ngrams, 0.3)
    one = preference.log_ratio_of_words(["quux", "quux"])
    assert preference.log_ratio_of_words(["quux"] * 3) - one == pytest.approx(math.log(0.7))
    sure = _preference(ngrams, 1.0)
    assert sure.log_ratio_of_words(["quux"] * 3) > -20


@given(st.lists(st.sampled_from(["press", "one", "the", "quux", "Zorblatt", "two"]), max_size=8))
def test_without_a_share_nothing_is_preferred(words: list[str]) -> None:
    model = estimate(numbered([line.split() for line in CORPUS]))
    assert _preference(model, 0.0).log_ratio_of_words(words) == pytest.approx(0.0)
    assert Preference(None, None, 0.7).log_ratio_of_words(words) == 0.0


def test_a_custom_word_is_likely_without_corpora() -> None:
    preference = Preference(None, None, 0.3, ["Quux"])
    assert preference.log_ratio("a quux") == pytest.approx(math.log(200) - 1)
    assert preference.log_ratio("a duck") == 0.0


def test_a_custom_word_that_is_ordinary_loses_nothing(ngrams: NGrams) -> None:
    assert _preference(ngrams, 0.9, "two").log_ratio_of_words(["hear", "two"]) >= _preference(
        ngrams, 0.9
    ).log_ratio_of_words(["hear", "two"])
