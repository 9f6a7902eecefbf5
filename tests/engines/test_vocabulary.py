"""The words of a base version, without its engine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib.engines import availability
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


NEURAL = "en-US_BroadbandModel.v2026-11-30"


def test_all_versions_have_the_same_words() -> None:
    assert vocabulary(NEURAL) is vocabulary("en-US_BroadbandModel.v2020-01-16")


def test_without_the_dictionary_common_words_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "installed", lambda: ("whisper",))
    words = vocabulary(NEURAL)
    ordinary = "the extension conference please recorded dialing isn't people's"
    assert all(map(words.known, ordinary.split()))
    assert not any(map(words.known, ["zorblatt", "dahdi", "the.", "mp3"]))
    assert words.pronunciations("people") == ()


def test_neither_the_engine_nor_numpy_is_imported() -> None:
    program = (
        "import sys; from chalicelib.engines.vocabulary import known; "
        "import chalicelib.language.pronunciation.pronunciations as p; import chalicelib.language.corpus; "
        "import chalicelib.language.grammars.srgs; known('en-US_BroadbandModel.v2020-01-16')('a'); p.guess('zorblatt'); "
        "from chalicelib.engines.whisper.text.common_words import common_words; common_words().known('a'); "
        "assert not {'pocketsphinx', 'numpy', 'ctranslate2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
