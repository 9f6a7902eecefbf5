"""The language of base versions, and which of them share a custom language model."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from chalicelib.engines import availability, features
from chalicelib.engines.base_language import base_language, shared_by

OLD, NEW = "en-US_BroadbandModel.v2018-07-31", "en-US_BroadbandModel.v2020-01-16"
NEURAL = "en-US_BroadbandModel.v2026-11-30"


@pytest.fixture
def neural(monkeypatch: pytest.MonkeyPatch) -> str:
    """The newest base version, whose engine is another one and has language models."""
    can = dataclasses.replace(features.ENGINE_FEATURES["whisper"], language_models=True)
    monkeypatch.setitem(features.ENGINE_FEATURES, "whisper", can)
    return NEURAL


def test_a_model_also_serves_the_newest_older_version_of_another_engine(neural: str) -> None:
    assert shared_by(neural) == (neural, NEW)


def test_a_model_never_serves_newer_versions_nor_others_of_its_engine(neural: str) -> None:
    assert shared_by(NEW) == (NEW,)
    assert shared_by(OLD) == (OLD,)


def test_versions_without_language_models_are_not_served(
    neural: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot = dataclasses.replace(features.ENGINE_FEATURES["sphinx"], language_models=False)
    monkeypatch.setitem(features.ENGINE_FEATURES, "sphinx", cannot)
    assert shared_by(neural) == (neural,)


def test_nothing_is_made_ready_for_an_engine_that_mixes_by_itself(neural: str) -> None:
    assert base_language(neural).rendered(None, 0.3, ["zorblatt"]) == {}


def test_common_words_are_likelier() -> None:
    chances = base_language(NEW).chances(["the", "telephone", "zorblatt", "<s>"])
    assert chances[0] > 100 * chances[1] > 0
    assert chances[2] == chances[3] == 0


def test_without_pocketsphinx_they_are_so_too(neural: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["the", "and", "people", "telephone", "mailbox", "Telephone"]
    bundled = base_language(neural).chances(words)
    monkeypatch.setattr(availability, "installed", lambda: ("whisper",))
    language = base_language(neural)
    guessed = language.chances(words)
    assert guessed[3] == guessed[5]
    assert np.abs(np.log(guessed[:5] / bundled[:5])).max() < 2
    assert language.known("telephone")
    assert language.pronunciations("telephone") == ()
    assert language.rendered(None, 0.3, ["zorblatt"]) == {}
    assert language.versions == (neural, NEW)
