"""Streams that come too slowly are noticed at the right moment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.gateway.http.pace import Pace


def too_late_s(came: list[tuple[float, int]], window_s: float, least: int) -> float:
    """When the first window ends that holds too little, if nothing more comes: by looking at all."""
    ends = sorted({window_s, *(time_s + window_s for time_s, _ in came)})
    return next(
        end
        for end in ends
        if end >= window_s and sum(size for time_s, size in came if end - window_s < time_s <= end) < least
    )


@given(
    gaps=st.lists(st.integers(1, 320).map(lambda step: step / 64), max_size=20),
    sizes=st.lists(st.integers(1, 100), min_size=20, max_size=20),
    least=st.integers(1, 300),
)
def test_the_deadline_is_the_end_of_the_first_window_with_too_little(
    gaps: list[float], sizes: list[int], least: int
) -> None:
    pace = Pace(10.0, least)
    came: list[tuple[float, int]] = []
    now_s = 0.0
    for gap_s, size in zip(gaps, sizes, strict=False):
        if now_s + gap_s >= pace.deadline_s():
            break
        now_s += gap_s
        pace.add(now_s, size)
        came.append((now_s, size))
        assert pace.deadline_s() == pytest.approx(too_late_s(came, 10.0, least))


def test_nothing_is_too_late_before_a_whole_window() -> None:
    assert Pace(30.0, 100).deadline_s() == 30.0


def test_a_steady_stream_is_never_late() -> None:
    pace = Pace(30.0, 150)
    for second in range(200):
        assert second < pace.deadline_s()
        pace.add(float(second), 10)
