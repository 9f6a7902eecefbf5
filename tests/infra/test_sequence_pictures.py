"""The sequence pictures are those of their texts, and everything on them can be read."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from infra import sequence_pictures
from infra.sequence_pictures import FOLDER, SequenceStep

TEXTS = sorted(FOLDER.glob("*.mmd"))
TWO = "sequenceDiagram\nparticipant A as Client\nparticipant B as API\n"
_SVG = "{http://www.w3.org/2000/svg}"


def _drawn(text: str) -> ET.Element:
    return ET.fromstring(sequence_pictures.draw(text, "A title"))


def test_there_are_three() -> None:
    assert [text.stem for text in TEXTS] == ["a-recognition", "a-training", "an-upload"]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_a_picture_is_that_of_its_text(text: Path) -> None:
    drawn = sequence_pictures.draw(text.read_text(), sequence_pictures.title(text))
    anew = "draw it anew: .venv/bin/python -m infra.sequence_pictures"
    assert text.with_suffix(".svg").read_text() == drawn, anew


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_all_words_are_on_the_picture_and_inside_it(text: Path) -> None:
    picture = _drawn(text.read_text())
    names, steps = sequence_pictures.parse(text.read_text())
    written = " ".join(str(line.text) for line in picture.iter(f"{_SVG}text")).split()
    assert written == " ".join([*names, *(step.text for step in steps)]).split()
    width_px = float(picture.attrib["viewBox"].split()[2])
    for line in picture.iter(f"{_SVG}text"):
        x_px, length_px = float(line.attrib["x"]), 6.4 * len(str(line.text))
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}[line.attrib.get("text-anchor", "middle")]
        assert x_px - share * length_px >= 0, line.text
        assert x_px + (1 - share) * length_px <= width_px, line.text


def test_a_text_is_read() -> None:
    names, steps = sequence_pictures.parse(
        f"{TWO}%% a remark\nA->>B: ask\nB->>B: think\nB-->>A: answer\nNote over A,B: done"
    )
    assert names == ["Client", "API"]
    assert steps == [
        SequenceStep(0, 1, "ask", "message"),
        SequenceStep(1, 1, "think", "message"),
        SequenceStep(1, 0, "answer", "answer"),
        SequenceStep(0, 1, "done", "note"),
    ]


@pytest.mark.parametrize("line", ["A->B: no such arrow", "A->>C: nobody", "loop every minute"])
def test_what_makes_no_sense_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=re.escape(line)):
        sequence_pictures.parse(TWO + line)


def test_what_is_special_in_xml_is_written() -> None:
    words = [line.text for line in _drawn(f"{TWO}A->>B: <audio> & more").iter(f"{_SVG}text")]
    assert words == ["Client", "API", "<audio> & more"]


def test_there_is_a_dark_scheme() -> None:
    assert "@media (prefers-color-scheme: dark)" in sequence_pictures.draw(TWO, "A title")
