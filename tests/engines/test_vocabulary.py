"""The words of a base version, without its engine."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.engines import catalogue
from chalicelib.engines import vocabulary as vocabularies
from chalicelib.engines.catalogue import BaseVersion
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


@pytest.fixture
def neural(monkeypatch: pytest.MonkeyPatch) -> str:
    """A base version that is not pocketsphinx's."""
    model = catalogue.BASE_MODELS["en-US_BroadbandModel"]
    version = BaseVersion("en-US_BroadbandModel.v9", "whisper", 16_000)
    more = dataclasses.replace(model, versions=(*model.versions, version))
    monkeypatch.setitem(catalogue.BASE_MODELS, model.name, more)
    return version.name


def test_all_versions_have_the_same_words(neural: str) -> None:
    assert vocabulary(neural) is vocabulary("en-US_BroadbandModel.v2020-01-16")


def test_without_pocketsphinx_common_words_are_known(neural: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabularies, "has_bundled_language", lambda: False)
    words = vocabulary(neural)
    assert all(
        map(
            words.known,
            ["the", "extension", "conference", "please", "recorded", "dialing", "isn't", "people's"],
        )
    )
    assert not any(map(words.known, ["zorblatt", "dahdi", "the.", "mp3"]))
    assert words.pronunciations("people") == ()


def test_neither_the_engine_nor_numpy_is_imported() -> None:
    program = (
        "import sys; from chalicelib.engines.vocabulary import known; "
        "import chalicelib.language.pronunciations as p; import chalicelib.language.corpus; "
        "import chalicelib.language.grammars; known('en-US_BroadbandModel.v2020-01-16')('a'); p.guess('zorblatt'); "
        "from chalicelib.engines.vocabulary import common_words; common_words().known('a'); "
        "assert not {'pocketsphinx', 'numpy', 'ctranslate2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
