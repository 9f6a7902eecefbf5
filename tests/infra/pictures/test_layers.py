"""Pictures of what uses what: complete, in layers, and readable."""

from __future__ import annotations

import itertools
import re
from graphlib import CycleError
from xml.etree import ElementTree as ET

import pytest

from infra.pictures import layers

_SVG = "{http://www.w3.org/2000/svg}"
HOUSE = {"attic": {"parlour", "cellar"}, "parlour": {"kitchen"}, "kitchen": {"cellar"}, "cellar": set[str]()}
PURPOSES = {name: f"The {name} & more" for name in HOUSE}


def _drawn(used: dict[str, set[str]], purposes: dict[str, str]) -> ET.Element:
    return ET.fromstring(layers.draw(used, purposes, "A house"))


def test_what_follows_from_other_arrows_is_left_out() -> None:
    assert layers.essential(HOUSE) == {**HOUSE, "attic": {"parlour"}}


def test_every_box_has_its_name_and_says_what_it_is_for() -> None:
    picture = _drawn(HOUSE, PURPOSES)
    shown = {
        str(group.findtext(f"{_SVG}text")): group.findtext(f"{_SVG}title")
        for group in picture.iter(f"{_SVG}g")
    }
    assert shown == PURPOSES
    assert picture.findtext(f"{_SVG}title") == "A house"


def test_arrows_lead_down_from_a_box_to_the_one_that_it_uses() -> None:
    picture = _drawn(HOUSE, PURPOSES)
    places = {}
    for group in picture.iter(f"{_SVG}g"):
        box = group.find(f"{_SVG}rect")
        assert box is not None
        x, y, width, height = (int(box.attrib[name]) for name in ("x", "y", "width", "height"))
        places[str(group.findtext(f"{_SVG}text"))] = (x, y, x + width, y + height)
    joined = set()
    for arrow in picture.iter(f"{_SVG}path"):
        if arrow.attrib["class"] == "arrow":
            numbers = [int(number) for number in re.findall(r"-?\d+", arrow.attrib["d"])]
            start, end = numbers[:2], numbers[-2:]
            (upper,) = (
                name
                for name, (x, _, right, foot) in places.items()
                if x < start[0] < right and foot == start[1]
            )
            (lower,) = (
                name for name, (x, head, right, _) in places.items() if x < end[0] < right and head == end[1]
            )
            joined.add((upper, lower))
            assert start[1] < end[1]
    assert joined == {(upper, lower) for upper, others in HOUSE.items() for lower in others}


def test_boxes_are_apart_and_inside_the_picture() -> None:
    many = {"top": {f"room {number}" for number in range(9)}} | {
        f"room {number}": set() for number in range(9)
    }
    picture = _drawn(many, dict.fromkeys(many, ""))
    width, height = (int(number) for number in picture.attrib["viewBox"].split()[2:])
    rows: dict[int, list[tuple[int, int]]] = {}
    for group in picture.iter(f"{_SVG}g"):
        box = group.find(f"{_SVG}rect")
        assert box is not None
        x, y = int(box.attrib["x"]), int(box.attrib["y"])
        assert 0 <= x <= x + int(box.attrib["width"]) <= width
        assert 0 <= y <= y + int(box.attrib["height"]) <= height
        rows.setdefault(y, []).append((x, x + int(box.attrib["width"])))
    assert sorted(map(len, rows.values())) == [1, 9]
    for row in rows.values():
        assert all(left[1] < right[0] for left, right in itertools.pairwise(sorted(row)))


def test_a_circle_is_refused() -> None:
    with pytest.raises(CycleError):
        layers.draw({"attic": {"cellar"}, "cellar": {"attic"}}, {"attic": "", "cellar": ""}, "A circle")


def test_there_is_a_dark_scheme() -> None:
    assert "@media (prefers-color-scheme: dark)" in layers.draw(HOUSE, PURPOSES, "A house")
