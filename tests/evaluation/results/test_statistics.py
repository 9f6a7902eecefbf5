"""Intervals and p-values against what is known of them, and against another implementation."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.evaluation.results import statistics
from infra.local.demo import scoring

WORDS = [10] * 100


def _errors(rate: float, seed: int) -> list[int]:
    return [int(count) for count in np.random.default_rng(seed).binomial(10, rate, 100)]


def test_the_interval_is_that_of_the_bootstrap() -> None:
    errors = _errors(0.1, 1)
    found = statistics.rate_interval(errors, WORDS)
    rate = sum(errors) / 1000
    # Of independent words: 1.96 standard errors to both sides.
    expected = 1.96 * np.sqrt(rate * (1 - rate) / 1000)
    assert found.low == pytest.approx(rate - expected, abs=0.005)
    assert found.high == pytest.approx(rate + expected, abs=0.005)
    references = ["a b c d e f g h i j"] * 100
    heard = [" ".join(["x"] * count + list("abcdefghij")[count:]) for count in errors]
    other = scoring.word_error_rate(references, heard)
    assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=0.004)


def test_the_same_set_gives_the_same_figures() -> None:
    first, second = _errors(0.1, 1), _errors(0.12, 2)
    assert statistics.difference(first, second, WORDS) == statistics.difference(first, second, WORDS)


def test_models_that_are_alike_do_not_differ() -> None:
    errors = _errors(0.1, 1)
    same = statistics.difference(errors, errors, WORDS)
    assert (same.rate, same.interval, same.p_value) == (0.0, statistics.Interval(0.0, 0.0), 1.0)
    assert not same.significant


def test_a_clear_difference_is_significant_and_has_its_sign() -> None:
    better = statistics.difference(_errors(0.2, 1), _errors(0.1, 2), WORDS)
    assert better.rate == pytest.approx(-0.1, abs=0.03)
    assert better.interval.high < 0
    assert better.p_value < 0.001
    worse = statistics.difference(_errors(0.1, 2), _errors(0.2, 1), WORDS)
    assert worse.rate == -better.rate


def test_chance_is_called_significant_as_often_as_promised() -> None:
    """Of equally good models one in twenty differs by chance: five of sixteen would be very many."""
    found = sum(
        statistics.difference(_errors(0.1, 2 * seed), _errors(0.1, 2 * seed + 1), WORDS).significant
        for seed in range(16)
    )
    assert found <= 4


def test_a_large_set_takes_bounded_memory_and_time() -> None:
    errors, words = [1, 0] * 1000, [10] * 2000
    assert statistics.rate_interval(errors, words).low > 0.04
    assert statistics._portions(2000)[0] == 500
    assert sum(statistics._portions(2000)) == statistics.DRAWS
