"""Small texts and what their models must keep to."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from chalicelib.language.ngram_models.ngrams import NGrams, pair_keys, triple_keys

SENTENCES = st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6), min_size=1, max_size=12)


def assert_sums_to_one(model: NGrams, tolerance: float = 1e-9) -> None:
    """Every history of none, one or two words leaves a whole to the next word."""
    size = len(model.words)
    every = np.arange(size)
    assert abs(model.chances.sum() - 1) < tolerance
    for one in range(size):
        held = np.full(size, one)
        assert abs(model.chances_of_pairs(pair_keys(held, every)).sum() - 1) < tolerance
        for two in range(size):
            keys = triple_keys(np.full(size, two), held, every)
            assert abs(model.chances_of_triples(keys).sum() - 1) < tolerance


def assert_same(left: NGrams, right: NGrams, tolerance: float) -> None:
    """Both hold the same n-grams with nearly the same probabilities."""
    assert left.words == right.words
    assert np.array_equal(left.pairs, right.pairs)
    assert np.array_equal(left.triples, right.triples)
    for name in ("chances", "backoffs", "pair_chances", "pair_backoffs", "triple_chances"):
        assert np.allclose(getattr(left, name), getattr(right, name), rtol=tolerance, atol=1e-12), name
