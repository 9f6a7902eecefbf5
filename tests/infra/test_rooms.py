"""The page about rooms, and its picture, are those of the code."""

from __future__ import annotations

import pytest

from infra import rooms


def test_the_page_is_that_of_the_code() -> None:
    assert rooms.PAGE.read_text() == rooms.page(), "write it anew: .venv/bin/python -m infra.rooms"


def test_the_picture_is_that_of_the_code() -> None:
    assert rooms.PICTURE.read_text() == rooms.picture(), "draw it anew: .venv/bin/python -m infra.rooms"


def test_every_room_says_what_it_is_for() -> None:
    assert [room.name for room in rooms.rooms().values() if not room.purpose] == []


def test_rooms_go_from_above_to_below() -> None:
    used = {"cellar": set[str](), "attic": {"parlour", "cellar"}, "parlour": {"cellar"}}
    assert rooms.from_above(used) == ["attic", "parlour", "cellar"]


def test_rooms_that_use_each_other_have_no_order() -> None:
    with pytest.raises(ValueError):
        rooms.from_above({"attic": {"cellar"}, "cellar": {"attic"}})
