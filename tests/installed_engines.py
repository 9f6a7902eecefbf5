"""Engines that this Python does without: what tests do then, and how they take one away."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from chalicelib.engines import availability, catalogue
from chalicelib.engines.catalogue import BaseModel, BaseVersion

NEURAL = "en-US_BroadbandModel.v2099-01-01"
"""A version of the engine `whisper` that the fixture `without_sphinx` serves."""
_OF_SPHINX = (
    "tests/acoustic/test_adaptation.py",
    "tests/contract/test_models_together.py",
    "tests/language/pronunciation/test_pronunciations.py",
    "tests/training_image/test_adapters.py",
    "tests/training_image/test_train.py",
)
"""Beside every folder of that name: what cannot even be imported without pocketsphinx."""
_WITH_SPHINX = (
    "tests/api/customization/test_language_resources.py",
    "tests/api/customization/test_language_training.py",
    "tests/customization/language/test_language_words.py",
    "tests/engines/test_base_language.py",
    "tests/engines/test_vocabulary.py",
    "tests/events/test_corpus_added.py",
    "tests/recognition/audio/test_channels.py",
    "tests/recognition/function/test_function.py",
    "tests/recognition/live/test_live_request.py",
    "tests/recognition/live/test_live_channels.py",
    "tests/training_image/test_dockerfile.py",
)
"""What can be imported, and then recognises with Sphinx or asks for the words of its versions."""
_SPHINX_IS_HERE = "sphinx" in availability.installed()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Pass over the tests of an engine that is not installed, if they cannot be imported."""
    of_sphinx = collection_path.name == "sphinx" or collection_path.as_posix().endswith(_OF_SPHINX)
    return True if of_sphinx and not _SPHINX_IS_HERE else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `sphinx` where that engine is not installed."""
    if _SPHINX_IS_HERE:
        return
    for item in items:
        conformance = item.path.name == "test_conformance.py" and "sphinx" in item.nodeid
        of_sphinx = item.get_closest_marker("sphinx") or item.path.as_posix().endswith(_WITH_SPHINX)
        if of_sphinx or conformance:
            item.add_marker(pytest.mark.skip(reason="pocketsphinx has no wheel for this Python"))


@pytest.fixture
def without_sphinx(monkeypatch: pytest.MonkeyPatch) -> BaseModel:
    """An installation that does without Sphinx; returns the broadband model as it serves it."""
    for model in list(catalogue.KNOWN_MODELS.values()):
        of_sphinx = tuple(version for version in model.versions if version.engine == "sphinx")
        monkeypatch.setitem(
            catalogue.KNOWN_MODELS, model.name, dataclasses.replace(model, versions=of_sphinx)
        )
    known = catalogue.KNOWN_MODELS["en-US_BroadbandModel"]
    neural = BaseVersion(NEURAL, "whisper", catalogue.BROADBAND_HZ)
    served = dataclasses.replace(known, versions=(neural,))
    monkeypatch.setitem(
        catalogue.KNOWN_MODELS, known.name, dataclasses.replace(known, versions=(*known.versions, neural))
    )
    monkeypatch.delitem(catalogue.BASE_MODELS, "en-US_NarrowbandModel")
    monkeypatch.setitem(catalogue.BASE_MODELS, known.name, served)
    return served


@pytest.fixture
def only_sphinx_adapts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator who does not want the network adapted."""
    monkeypatch.setenv("ATTUNE_ADAPTED_ENGINES", "sphinx")
