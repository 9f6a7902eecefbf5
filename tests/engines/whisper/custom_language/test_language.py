"""Custom language models with the embedded network, on synthesised speech."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from chalicelib.engines.base_language import base_language
from chalicelib.engines.errors import GrammarTooLarge, ModelUnreadable
from chalicelib.engines.protocol import CustomModels, DecodingOptions, Recognizer
from chalicelib.engines.whisper.engine import WhisperEngine
from chalicelib.language.artefact import GrammarText
from chalicelib.language.training import TrainingWord, train
from tests.engines.whisper.speech import speech

VERSION = "en-US_BroadbandModel.v2026-11-30"
OTHER = "en-US_NarrowbandModel.v2026-11-30"
GRAMMARS = {
    "rooms": "open the window | close the door | leave the kitchen",
    "numbers": "(one | two | three) <1->",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a made-up name and two grammars."""
    target = tmp_path_factory.mktemp("language") / "language-model.tar.gz"
    grammars = {
        name: GrammarText("abnf", f"#ABNF 1.0;\nroot $said;\n$said = {rule};\n")
        for name, rule in GRAMMARS.items()
    }
    words = [TrainingWord("Vorlandia", ("vor land ia",), "Vorlandia Ltd.")]
    corpus = io.BytesIO(b"Please send the letter to Vorlandia.\nVorlandia has answered.\n")
    train([corpus], words, grammars, base=base_language(VERSION), target=target)
    return target


@pytest.fixture(scope="module")
def customised(engine: WhisperEngine, path: Path) -> Recognizer:
    return engine.load(VERSION, CustomModels(language_model=path))


def _texts(recognizer: Recognizer, text: str, keywords: Sequence[str] = ()) -> list[str]:
    found = recognizer.recognize(speech(text), DecodingOptions(keywords=tuple(keywords)))
    assert [hit.keyword for hit in found.keywords] == list(keywords)
    return [word.text for word in found.hypotheses[0].words] if found.hypotheses else []


def test_a_made_up_name_is_heard_and_shown(engine: WhisperEngine, customised: Recognizer) -> None:
    sentence = "Please send the letter to vorlandia."
    assert "vorlandia" not in engine.load(VERSION).recognize(speech(sentence)).hypotheses[0].text
    heard = _texts(customised, sentence, ["vorlandia ltd."])
    assert heard == ["please", "send", "the", "letter", "to", "Vorlandia Ltd."]


def test_ordinary_speech_is_heard_as_without(engine: WhisperEngine, customised: Recognizer) -> None:
    samples = speech("The weather will be fine on Sunday, with some rain in the north.")
    plain, custom = engine.load(VERSION).recognize(samples), customised.recognize(samples)
    assert [one.text for one in custom.hypotheses] == [one.text for one in plain.hypotheses]


def test_a_stream_gives_the_same(customised: Recognizer) -> None:
    samples = speech("Please send the letter to vorlandia.")
    stream = customised.stream()
    stream.feed(samples)
    assert stream.finish() == customised.recognize(samples)


def test_a_grammar_hears_its_sentences_and_refuses_others(engine: WhisperEngine, path: Path) -> None:
    rooms = engine.load(VERSION, CustomModels(language_model=path, grammar_name="rooms"))
    for sentence in ("open the window", "close the door", "leave the kitchen"):
        assert " ".join(_texts(rooms, f"{sentence}.")) == sentence
    for other in ("The weather will be fine on Sunday.", "I would like two cups of tea."):
        assert _texts(rooms, other) == []


def test_a_grammar_that_is_too_large_is_for_another_engine(engine: WhisperEngine, path: Path) -> None:
    with pytest.raises(GrammarTooLarge, match="'numbers' has more than 500 sentences") as raised:
        engine.load(VERSION, CustomModels(language_model=path, grammar_name="numbers"))
    assert raised.value.name == "numbers"


def test_what_does_not_fit_is_refused(engine: WhisperEngine, path: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match=f"was made for {VERSION}, .*, not {OTHER}"):
        engine.load(OTHER, CustomModels(language_model=path))
    with pytest.raises(ModelUnreadable, match="without a grammar 'none'"):
        engine.load(VERSION, CustomModels(language_model=path, grammar_name="none"))
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"nothing")
    with pytest.raises(ModelUnreadable, match="not a readable model archive"):
        engine.load(VERSION, CustomModels(language_model=broken))
