"""The places that name an engine: each engine is in all that its features call for."""

from __future__ import annotations

import pytest

from chalicelib.engines import availability, base_language, catalogue, loading, vocabulary
from chalicelib.engines.features import ENGINE_FEATURES
from training_image import adapters


@pytest.mark.parametrize("engine", ENGINE_FEATURES)
def test_every_place_names_the_engine(engine: str) -> None:
    features = ENGINE_FEATURES[engine]
    versions = [version for model in catalogue.KNOWN_MODELS.values() for version in model.versions]
    named = {
        "chalicelib/engines/loading.py: module and class": engine in loading._ENGINES,
        "chalicelib/engines/availability.py: what it imports": engine in availability._NEEDS,
        "chalicelib/engines/catalogue.py: a version": engine in {version.engine for version in versions},
    }
    if features.acoustic_models:
        named["training_image/adapters.py: its adaptation"] = engine in adapters._ADAPTERS
    if features.language_models:
        named["chalicelib/engines/base_language.py: its language"] = engine in base_language._LANGUAGES
        named["chalicelib/engines/vocabulary.py: its words"] = engine in vocabulary._VOCABULARIES
    missing = [place for place, is_there in named.items() if not is_there]
    assert not missing, f"the engine {engine!r} is missing in {'; in '.join(missing)}"


def test_no_place_names_an_engine_that_has_no_features() -> None:
    tables = (
        loading._ENGINES,
        availability._NEEDS,
        adapters._ADAPTERS,
        base_language._LANGUAGES,
        vocabulary._VOCABULARIES,
    )
    assert {engine for table in tables for engine in table} - ENGINE_FEATURES.keys() == set()
