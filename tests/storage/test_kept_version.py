from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.storage import kept_version
from chalicelib.storage.kept_version import KeptVersion

LEAST = KeptVersion(
    3, datetime(2026, 11, 30, 12, 0, 0, 5000, UTC), "en-US_BroadbandModel.v2020-01-16", "0" * 64
)


@given(
    st.builds(
        KeptVersion,
        version=st.integers(1, 10**9),
        created=st.datetimes(timezones=st.just(UTC)),
        base_version=st.text(),
        sha256=st.text(),
        size_bytes=st.none() | st.integers(0, 2**40),
        data_version=st.none() | st.text(min_size=1),
        helper=st.none() | st.text(min_size=1),
        helper_run=st.none() | st.integers(1),
        figures=st.dictionaries(st.text(), st.floats(0, 1) | st.text()),
        removed=st.lists(st.integers(1)).map(tuple),
        label=st.none() | st.text(min_size=1),
    )
)
def test_what_is_written_is_read(version: KeptVersion) -> None:
    assert KeptVersion.from_text(version.to_text()) == version


def test_a_row_of_a_later_program_is_read() -> None:
    text = LEAST.to_text()
    assert len(text) < 250, "a row has ten of them"
    assert KeptVersion.from_text(text.replace("{", '{"unknown": 1, ', 1)) == LEAST


def test_those_that_are_there_are_named() -> None:
    assert (
        kept_version.unknown("a", 7, [])
        == "Customization 'a' has no version 7: it has none yet. Train it first."
    )
    assert kept_version.unknown("a", 7, [3]) == "Customization 'a' has no version 7; it has 3."
    assert kept_version.unknown("a", 7, [1, 3, 2]) == "Customization 'a' has no version 7; it has 3, 2 and 1."
