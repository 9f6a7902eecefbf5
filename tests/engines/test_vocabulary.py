"""The words of a base version, without its engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.engines.vocabulary import known, read_dictionary, vocabulary


def test_words_have_their_pronunciations() -> None:
    words = vocabulary("en-US_BroadbandModel.v2020-01-16")
    assert words.pronunciations("tomato")[0].startswith("T AH M EY T OW")
    assert len(words.pronunciations("tomato")) == 2
    assert words.pronunciations("zorblatt") == ()
    assert known("en-US_NarrowbandModel.v2019-06-24")("hello")
    assert not known("en-US_NarrowbandModel.v2019-06-24")("tomato(2)")


def test_an_unknown_version_is_an_error() -> None:
    with pytest.raises(KeyError):
        vocabulary("xx-XX_Model.v0")


def test_a_dictionary_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "some.dict"
    path.write_text("a AH\na(2) EY\n\n(odd) AA\n")
    assert read_dictionary(path) == {"a": ("AH", "EY"), "(odd)": ("AA",)}


def test_neither_the_engine_nor_numpy_is_imported() -> None:
    program = (
        "import sys; from chalicelib.engines.vocabulary import known; "
        "import chalicelib.language.pronunciations as p; import chalicelib.language.corpus; "
        "import chalicelib.language.grammars; known('en-US_BroadbandModel.v2020-01-16')('a'); p.guess('zorblatt'); "
        "assert not {'pocketsphinx', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
