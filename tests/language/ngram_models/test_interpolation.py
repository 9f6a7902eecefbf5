"""Two models mixed: the mixture is exact where either holds an n-gram, and sums to one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.language.ngram_models.estimation import estimate, numbered
from chalicelib.language.ngram_models.interpolation import WORD_CHANCE, interpolated
from chalicelib.language.ngram_models.ngrams import NGrams, pair_keys, triple_keys
from tests.language.models import SENTENCES, assert_same, assert_sums_to_one

BASE = estimate(numbered([text.split() for text in ("a b c d", "b c a", "d d a b", "c b a g")]))


def _triple(model: NGrams, *words: str) -> float:
    number = model.numbers()
    one, two, three = (np.array([number[word]]) for word in words)
    return float(model.chances_of_triples(triple_keys(one, two, three))[0])


@settings(max_examples=60, deadline=None)
@given(SENTENCES, st.floats(0, 1), st.lists(st.sampled_from(["x", "y", "a"]), max_size=2))
def test_the_mixture_sums_to_one(sentences: list[list[str]], weight: float, words: list[str]) -> None:
    mixed = interpolated(BASE, estimate(numbered(sentences)), weight, words)
    assert_sums_to_one(mixed, 2e-5)  # a history that holds everything still leaves its back-off a millionth


def test_the_mixture_is_exact_for_what_either_holds() -> None:
    custom = estimate(numbered([text.split() for text in ("a b x", "x b c", "a b x")]))
    mixed = interpolated(BASE, custom, 0.25)
    assert np.isclose(_triple(mixed, "b", "c", "d"), 0.75 * _triple(BASE, "b", "c", "d"))
    assert np.isclose(_triple(mixed, "a", "b", "x"), 0.25 * _triple(custom, "a", "b", "x"))
    shared = 0.25 * _triple(custom, "x", "b", "c") + 0.75 * BASE.chances_of_pairs(
        pair_keys(np.array([BASE.numbers()["b"]]), np.array([BASE.numbers()["c"]]))
    )
    assert np.isclose(_triple(mixed, "x", "b", "c"), shared)[0]


def test_no_weight_leaves_the_base() -> None:
    custom = estimate(numbered([["a", "b"], ["c", "a"]]))
    mixed = interpolated(BASE, custom, 0.0)
    kept = np.isin(mixed.pairs, BASE.pairs)
    assert np.allclose(mixed.pair_chances[kept], BASE.pair_chances)
    assert_same(interpolated(BASE, None, 0.7), BASE, 1e-5)


def test_a_custom_word_without_corpus_can_be_said() -> None:
    mixed = interpolated(BASE, None, 0.3, ["zorblatt"])
    assert np.isclose(mixed.chances[mixed.numbers()["zorblatt"]], WORD_CHANCE, rtol=1e-3)
    assert_sums_to_one(mixed, 2e-5)


def test_many_custom_words_share_a_tenth() -> None:
    words = [f"w{number}" for number in range(20_000)]
    mixed = interpolated(BASE, None, 0.3, words)
    assert np.isclose(mixed.chances[-20_000:].sum(), 0.1)
