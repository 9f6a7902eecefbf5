from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.events.delivery import announcements
from tests.events import recorded


def _body(name: str) -> str:
    body: str = recorded.load(name)["Records"][0]["body"]
    return body


def test_a_recorded_announcement() -> None:
    (read,) = announcements.read(_body("audio_uploaded"))
    assert read == announcements.Announcement(
        key=recorded.AUDIO.key,
        sequencer="0055AED6DCD90281E5",
        at=datetime(2026, 3, 16, 18, 59, 25, 592_000, tzinfo=UTC),
    )


def test_a_multipart_upload_is_announced_as_well() -> None:
    (read,) = announcements.read(_body("audio_uploaded_multipart"))
    assert read.key == recorded.AUDIO.key


def test_the_test_event_announces_nothing() -> None:
    assert list(announcements.read(_body("s3_test_event"))) == []


def test_removals_announce_nothing() -> None:
    removed = _body("audio_uploaded").replace("ObjectCreated:Put", "ObjectRemoved:Delete")
    assert list(announcements.read(removed)) == []


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", "null", '"text"'])
def test_what_does_not_come_from_s3_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        list(announcements.read(body))


@given(
    key=st.text(st.characters(codec="utf-8"), min_size=1, max_size=100),
    at=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_what_is_written_can_be_read(key: str, at: datetime) -> None:
    (read,) = announcements.read(announcements.write(key, at))
    assert read.key == key
    assert abs(read.at - at) <= timedelta(milliseconds=1)


def test_the_same_object_announced_again_counts_anew() -> None:
    now = datetime.now(UTC)
    first, second = (next(announcements.read(announcements.write("audio/x", now))) for _ in range(2))
    assert first.sequencer != second.sequencer
