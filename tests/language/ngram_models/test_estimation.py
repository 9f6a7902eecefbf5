"""Models of texts: probabilities sum to one, what was seen is likelier, words outside are left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from chalicelib.language.ngram_models import estimation
from chalicelib.language.ngram_models.estimation import estimate, numbered
from chalicelib.language.ngram_models.ngrams import NGrams, pair_keys
from tests.language.models import SENTENCES, assert_sums_to_one


def _chance(model: NGrams, history: str, word: str) -> float:
    number = model.numbers()
    keys = pair_keys(np.array([number[history]]), np.array([number[word]]))
    return float(model.chances_of_pairs(keys)[0])


@settings(max_examples=60, deadline=None)
@given(SENTENCES)
def test_probabilities_sum_to_one(sentences: list[list[str]]) -> None:
    assert_sums_to_one(estimate(numbered(sentences)))


@settings(max_examples=40, deadline=None)
@given(SENTENCES)
def test_they_do_with_words_outside_the_vocabulary(sentences: list[list[str]]) -> None:
    text = numbered(sentences, {"a", "b", "c"})
    assert set(text.words) <= {"<s>", "</s>", "a", "b", "c"}
    assert_sums_to_one(estimate(text))


@settings(max_examples=30, deadline=None)
@given(SENTENCES)
def test_they_do_without_rare_trigrams(sentences: list[list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimation, "_MAX_TRIPLES", 0)
        assert_sums_to_one(estimate(numbered(sentences)))


def test_discounts_are_told_by_a_text_with_all_counts() -> None:
    random = np.random.default_rng(2)
    words = [f"w{number}" for number in random.zipf(1.4, 4000) if number < 60]
    model = estimate(numbered([words[start : start + 7] for start in range(0, len(words), 7)]))
    assert len(model.triples) > 100
    assert_sums_to_one(model)


def test_what_was_seen_is_likelier() -> None:
    model = estimate(numbered([text.split() for text in ("the red dog", "the red cat", "a blue dog")]))
    assert _chance(model, "the", "red") > _chance(model, "the", "blue") > 0
    assert _chance(model, "<s>", "the") > _chance(model, "<s>", "dog")


def test_no_text_gives_a_model_of_the_marks() -> None:
    assert_sums_to_one(estimate(numbered([])))
