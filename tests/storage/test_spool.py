"""The front door's word for a stored body: signed, and nobody else's is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.storage import spool
from chalicelib.storage.layout import SPOOL_PREFIX
from chalicelib.storage.spool import ForgedReference, Spooled

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@given(KEYS, st.integers(0, 10**12))
def test_what_is_written_is_read(key: str, size_bytes: int) -> None:
    assert spool.read_header(spool.write_header(Spooled(key, size_bytes))) == Spooled(key, size_bytes)


@given(st.text(max_size=200))
def test_anything_else_is_forged(value: str) -> None:
    with pytest.raises(ForgedReference):
        spool.read_header(value)


@given(st.data())
def test_a_changed_reference_is_forged(data: st.DataObject) -> None:
    good = spool.write_header(Spooled("spool/x", 1234))
    place = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.characters(exclude_characters=good[place], exclude_categories=["Cs"]))
    with pytest.raises(ForgedReference):
        spool.read_header(good[:place] + other + good[place + 1 :])


def test_another_secret_makes_another_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    good = spool.write_header(Spooled("spool/x", 1))
    monkeypatch.setenv("ATTUNE_INTERNAL_SECRET", "another secret that is long enough, too")
    with pytest.raises(ForgedReference):
        spool.read_header(good)


def test_keys_are_new_and_lie_where_they_expire() -> None:
    keys = {spool.new_key() for _ in range(10)}
    assert len(keys) == 10
    assert all(key.startswith(SPOOL_PREFIX) for key in keys)
    assert Spooled(spool.PENDING, 0).pending
    assert not Spooled(spool.new_key(), 0).pending
