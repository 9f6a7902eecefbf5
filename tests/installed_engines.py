"""Engines that this Python does without: what tests do then, and how they take one away."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from chalicelib.engines import availability, catalogue
from chalicelib.engines.catalogue import BaseModel, BaseVersion
from chalicelib.engines.features import ENGINE_FEATURES

NEURAL = "en-US_BroadbandModel.v2099-01-01"
"""A version of the engine `whisper` that the fixture `without_sphinx` serves."""
_SPHINX_IS_HERE = "sphinx" in availability.installed()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Pass over the tests of an engine that is not installed: they cannot be imported."""
    return True if not _SPHINX_IS_HERE and collection_path.name == "sphinx" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `sphinx` where that engine is not installed."""
    if _SPHINX_IS_HERE:
        return
    for item in items:
        if item.get_closest_marker("sphinx"):
            item.add_marker(pytest.mark.skip(reason="pocketsphinx has no wheel for this Python"))


@pytest.fixture
def without_sphinx(monkeypatch: pytest.MonkeyPatch) -> BaseModel:
    """An installation that does without Sphinx; returns the broadband model as it serves it."""
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
def adaptable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other engine, as one that can be adapted and takes language models."""
    features = dataclasses.replace(ENGINE_FEATURES["whisper"], acoustic_models=True, language_models=True)
    monkeypatch.setitem(ENGINE_FEATURES, "whisper", features)
