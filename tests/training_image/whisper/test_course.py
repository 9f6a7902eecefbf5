"""Ablations override the course by the environment, and a slip of the pen is refused."""

from __future__ import annotations

import pytest

from training_image.whisper.course import OVERRIDES_VARIABLE, Course, course


def test_without_overrides_the_defaults_hold() -> None:
    assert course({}) == Course()


def test_fields_are_overridden() -> None:
    chosen = course({OVERRIDES_VARIABLE: '{"rank": 8, "rate": 0.0005, "epochs": 2}'})
    assert (chosen.rank, chosen.rate, chosen.epochs) == (8, 0.0005, 2)
    assert chosen.kept_share == Course().kept_share


@pytest.mark.parametrize(
    ("text", "error", "named"),
    [
        ('{"ranks": 8}', ValueError, "ranks"),
        ('{"rank": 8.5}', TypeError, "rank"),
        ('{"rate": "fast"}', TypeError, "rate"),
        ('{"rounds": true}', TypeError, "rounds"),
    ],
)
def test_what_is_no_field_or_no_number_is_refused(text: str, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=named):
        course({OVERRIDES_VARIABLE: text})
