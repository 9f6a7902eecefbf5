"""The edit distance is a distance, and counts what was changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.language.edit_distance import edit_distance

texts = st.lists(st.sampled_from("abc"), max_size=7)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "", 0),
        ("a b c", "a b c", 0),
        ("a b c", "a c", 1),
        ("a b c", "a x b c", 1),
        ("a b c", "a x c", 1),
        ("a b c", "", 3),
        ("one two three four", "two four five", 3),
        ("a b c", "x a b c", 1),
        ("", "a", 1),
    ],
)
def test_items_that_are_put_in_left_out_or_replaced_count(one: str, other: str, distance: int) -> None:
    assert edit_distance(one.split(), other.split()) == distance


@given(texts, texts, texts)
def test_it_is_a_distance(one: list[str], other: list[str], third: list[str]) -> None:
    assert (edit_distance(one, other) == 0) == (one == other)
    assert edit_distance(one, other) == edit_distance(other, one)
    assert edit_distance(one, third) <= edit_distance(one, other) + edit_distance(other, third)
    assert abs(len(one) - len(other)) <= edit_distance(one, other) <= max(len(one), len(other))
