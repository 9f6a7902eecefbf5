"""Dictionaries in the CMU format."""

from __future__ import annotations

from pathlib import Path

from chalicelib.engines.sphinx.dictionary import read_dictionary


def test_a_dictionary_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "some.dict"
    path.write_text("a AH\na(2) EY\n\n(odd) AA\n")
    assert read_dictionary(path) == {"a": ("AH", "EY"), "(odd)": ("AA",)}
