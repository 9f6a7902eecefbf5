"""Times of answers: in order, inside, two decimals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.recognition.results.clock import WordClock


@given(duration_s=st.floats(0, 100), times_s=st.lists(st.floats(-5, 200)))
def test_times_never_run_back_nor_leave_the_recording(duration_s: float, times_s: list[float]) -> None:
    clock = WordClock(duration_s)
    read = [clock.read(time_s) for time_s in times_s]
    assert read == sorted(read)
    assert all(0 <= time_s <= duration_s and round(time_s, 2) == time_s for time_s in read)


def test_a_copy_goes_on_by_itself() -> None:
    clock = WordClock(10.0)
    clock.read(3.0)
    ahead = clock.copy()
    assert (ahead.read(2.0), ahead.read(7.0)) == (3.0, 7.0)
    assert clock.read(4.0) == 4.0


def test_a_stream_has_no_end_yet() -> None:
    assert WordClock().read(1e6) == 1e6
    assert WordClock(2.0).place(1.5, 3.0) == (1.5, 2.0)
    assert WordClock(2.0).place(5.0, 1.0) == (2.0, 2.0)
