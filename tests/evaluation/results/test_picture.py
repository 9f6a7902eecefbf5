from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.evaluation.results import picture

SVG = "{http://www.w3.org/2000/svg}"


@given(st.text(max_size=40), st.text(max_size=200), st.floats(0, 3), st.floats(0, 3))
def test_any_name_and_rate_make_a_picture_that_can_be_read_aloud(
    name: str, label: str, rate: float, high: float
) -> None:
    model = {"label": label, "word_error_rate": rate, "interval": [0.0, max(rate, high)]}
    results = {"unit": "words", "models": [model, model], "words": ["It is so & so."]}
    drawn = ElementTree.fromstring(picture.drawn(results, name))
    title, described = drawn.find(f"{SVG}title"), drawn.find(f"{SVG}desc")
    assert title is not None
    assert described is not None
    assert (title.text or "").endswith("sets like this one")
    assert (described.text or "").endswith("It is so & so.")
    assert drawn.attrib["aria-labelledby"] == f"{title.attrib['id']} {described.attrib['id']}"
    for bar in drawn.iter(f"{SVG}rect"):
        assert 0 <= float(bar.attrib["width"]) <= 720
