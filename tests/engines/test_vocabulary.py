"""The words of a base version, without its engine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib.engines.vocabulary import known, vocabulary


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


def test_neither_the_engine_nor_numpy_is_imported() -> None:
    program = (
        "import sys; from chalicelib.engines.vocabulary import known; "
        "import chalicelib.language.pronunciations as p; import chalicelib.language.corpus; "
        "import chalicelib.language.grammars; known('en-US_BroadbandModel.v2020-01-16')('a'); p.guess('zorblatt'); "
        "assert not {'pocketsphinx', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
