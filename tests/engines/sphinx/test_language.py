"""Recognition with custom language models: words, weights, display forms, grammars, and files that do not fit."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from chalicelib.engines.base_language import base_language
from chalicelib.engines.errors import CustomizationUnsupported, ModelUnreadable
from chalicelib.engines.protocol import CustomModels, DecodingOptions, Samples
from chalicelib.engines.sphinx.engine import SphinxEngine
from chalicelib.engines.sphinx.language import decoder_spelling, load_language
from chalicelib.language.artefact import GrammarText
from chalicelib.language.training import TrainingWord, train
from infra.local.demo.prompts import Prompt

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"
BROADBAND = "en-US_BroadbandModel.v2020-01-16"
DIGITS = "#ABNF 1.0;\nroot $digits;\n$digits = (one|two|three|four|five|six|seven|eight|nine|F4REWELL) <1->;"


@pytest.fixture(scope="module")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("language") / "language.tar.gz"
    words = [
        TrainingWord("gud+bai", ("goodbye",), "Good-Bye"),
        TrainingWord("F4REWELL", ("goodbye",)),
        TrainingWord("wholly_unheard"),
    ]
    train(
        [io.BytesIO(b"gud+bai\n" * 50)],
        words,
        {"digits": GrammarText("abnf", DIGITS)},
        base=base_language(NARROWBAND),
        target=path,
        weight=0.9,
    )
    return path


@pytest.fixture(scope="module")
def spoken(prompt_named: dict[str, Prompt]) -> dict[str, Samples]:
    return {
        name: np.asarray(soundfile.read(prompt_named[name].path, dtype="float32")[0], np.float32)
        for name in ("vm-goodbye", "digits/4", "digits/7", "vm-intro")
    }


def _heard(custom: CustomModels, samples: Samples) -> list[tuple[str, float]]:
    recognizer = SphinxEngine().load(NARROWBAND, custom)
    found = recognizer.recognize(samples, DecodingOptions(max_alternatives=2, word_alternatives=True))
    return [(one.text, one.posterior) for one in found.hypotheses]


def test_a_custom_word_is_heard_and_shown_as_its_user_wants(
    language_model: Path, spoken: dict[str, Samples]
) -> None:
    heard = _heard(CustomModels(language_model=language_model), spoken["vm-goodbye"])
    assert heard[0][0] == "Good-Bye"


def test_a_custom_word_is_spotted_by_its_spelling_and_by_what_results_show(
    language_model: Path, spoken: dict[str, Samples]
) -> None:
    recognizer = SphinxEngine().load(NARROWBAND, CustomModels(language_model=language_model))
    asked = ("good-bye", "gud+bai", "wholly_unheard", "good-bye")
    found = recognizer.recognize(spoken["vm-goodbye"], DecodingOptions(keywords=asked))
    hits = {hit.keyword: hit for hit in found.keywords}
    assert hits.keys() == {"good-bye", "gud+bai"}
    assert len(found.keywords) == 2, "a keyword asked for twice is hit once"
    assert hits["good-bye"].posterior >= hits["gud+bai"].posterior > 0.5


def test_without_weight_the_base_decides(language_model: Path, spoken: dict[str, Samples]) -> None:
    custom = CustomModels(language_model=language_model, customization_weight=0.0)
    assert _heard(custom, spoken["vm-goodbye"])[0][0] != "Good-Bye"


def test_a_grammar_restricts_what_is_heard(language_model: Path, spoken: dict[str, Samples]) -> None:
    custom = CustomModels(language_model=language_model, grammar_name="digits")
    for name, text in (("digits/4", "four"), ("digits/7", "seven"), ("vm-goodbye", "F4REWELL")):
        heard = _heard(custom, spoken[name])
        assert heard[0][0] == text
        assert heard[0][1] > 0.1
    assert all(posterior < 0.5 for _, posterior in _heard(custom, spoken["vm-intro"]))
    silence = np.random.default_rng(1).normal(0, 1e-4, 16_000).astype(np.float32)
    assert all(posterior < 0.5 for _, posterior in _heard(custom, silence))


def test_what_does_not_fit_is_refused(language_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match=f"was made for {NARROWBAND}, not {BROADBAND}"):
        load_language(CustomModels(language_model=language_model), BROADBAND)
    with pytest.raises(ModelUnreadable, match="without a grammar 'letters'"):
        load_language(CustomModels(language_model=language_model, grammar_name="letters"), NARROWBAND)
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(language_model.read_bytes()[:10_000])
    with pytest.raises(ModelUnreadable):
        load_language(CustomModels(language_model=damaged), NARROWBAND)
    with pytest.raises(CustomizationUnsupported, match="needs the custom language model"):
        SphinxEngine().load(NARROWBAND, CustomModels(grammar_name="digits"))


def test_signs_of_the_decoder_are_spelt_otherwise() -> None:
    assert decoder_spelling("o'clock") == "o'clock"
    assert decoder_spelling("<s>") == "<s>"
    spelt = [decoder_spelling(word) for word in ("a(2)", "<b>", "[c]", "+d", "#e", "%28", "!f")]
    assert len(set(spelt)) == len(spelt)
    assert not any(set(word) & set("()<>[]+#!") for word in spelt)
