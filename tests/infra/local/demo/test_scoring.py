"""Word error rates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.demo.scoring import error_counts, normalise, paired_difference, word_error_rate

WORDS = st.lists(st.sampled_from(["one", "two", "three", "it's"]), min_size=1, max_size=8).map(" ".join)


def test_counts_substitutions_deletions_and_insertions() -> None:
    counts = error_counts(
        ["one two three", "one two three", "one two three"],
        ["one too three", "one three", "one two three four"],
    )
    assert counts == [(1, 3), (1, 3), (1, 3)]


def test_an_empty_hypothesis_misses_every_word() -> None:
    assert error_counts(["one two"], [""]) == [(2, 2)]


def test_a_reference_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="no words"):
        error_counts(["..."], ["one"])


def test_spelling_that_nobody_hears_does_not_count() -> None:
    assert normalise("Re-Dial, 'one' %HESITATION  two.") == "re dial 'one' two"


@given(st.lists(WORDS, min_size=1, max_size=12))
def test_the_truth_scores_zero(references: list[str]) -> None:
    scored = word_error_rate(references, references)
    assert (scored.rate, scored.low, scored.high, scored.utterances) == (0, 0, 0, len(references))


@given(st.lists(st.tuples(WORDS, WORDS), min_size=2, max_size=12))
def test_the_interval_is_ordered_and_repeatable(pairs: list[tuple[str, str]]) -> None:
    references, hypotheses = [list(side) for side in zip(*pairs, strict=True)]
    scored = word_error_rate(references, hypotheses)
    assert 0 <= scored.low <= scored.high
    assert scored == word_error_rate(references, hypotheses)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=2, max_size=12))
def test_a_difference_is_that_of_the_rates_and_turns_with_the_sides(
    pairs: list[tuple[str, str, str]],
) -> None:
    references, first, second = [list(side) for side in zip(*pairs, strict=True)]
    found, turned = paired_difference(references, first, second), paired_difference(references, second, first)
    rates = [word_error_rate(references, side).rate for side in (first, second)]
    assert found.rate == pytest.approx(rates[1] - rates[0])
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert found.low <= found.high


def test_who_errs_wherever_the_other_does_and_more_is_surely_worse() -> None:
    references = ["one two three", "two three one", "three one two"] * 5
    first, second = references, ["one"] * 15
    assert paired_difference(references, first, second).no_worse == 0
    assert paired_difference(references, first, first).no_worse == 1
    assert (
        str(paired_difference(references, first, first)) == "+0.0 points (+0.0 to +0.0), no worse with 100 %"
    )
