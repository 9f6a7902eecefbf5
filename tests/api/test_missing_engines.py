"""Over HTTP, an installation that does without the engine of some versions."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.customization.acoustic import acoustic_training
from chalicelib.engines import availability
from chalicelib.engines.features import FeatureName
from chalicelib.training import launch
from tests.api.calling import BROADBAND, NEW, Answer, Instance, Model, assert_done, assert_error
from tests.api.customization.test_language_resources import Language
from tests.installed_engines import NEURAL
from tests.sagemaker import Platform


@pytest.fixture
def made(model: Model, request: pytest.FixtureRequest) -> Model:
    """A model with audio on a version of Sphinx, which is then taken away."""
    model.add("a")
    request.getfixturevalue("without_sphinx")
    return model


def _reason(version: str = NEW, *features: FeatureName) -> str:
    reason = availability.obstacle(version, *features)
    assert reason is not None
    return reason


def _created(instance: Instance, **fields: Any) -> Answer:
    document = {"name": "x", "base_model_name": BROADBAND, **fields}
    return instance("POST", "/acoustic_customizations", document)


def test_models_without_a_version_are_not_listed(instance: Instance, without_sphinx: object) -> None:
    listed = instance("GET", "/models").json["models"]
    assert [model["name"] for model in listed] == [BROADBAND]
    answer = instance("GET", "/models/en-US_NarrowbandModel")
    assert_error(
        answer,
        404,
        f"Model en-US_NarrowbandModel not found: {_reason('en-US_NarrowbandModel.v2019-06-24')}",
    )


def test_no_model_can_be_made_on_what_is_missing(instance: Instance, without_sphinx: object) -> None:
    assert_error(_created(instance, base_model_version=NEW), 400, _reason())
    assert _created(instance, base_model_name="en-US_NarrowbandModel").status == 400
    assert _created(instance).status == 201


def test_no_model_can_be_made_where_nothing_adapts(
    instance: Instance, without_sphinx: object, only_sphinx_adapts: None
) -> None:
    assert_error(_created(instance), 400, _reason(NEW, "acoustic_models"))


def test_a_model_on_what_is_missing_is_shown_and_deleted(instance: Instance, made: Model) -> None:
    listed = instance("GET", "/acoustic_customizations?language=en-US").json["customizations"]
    assert [(one["customization_id"], one["status"]) for one in listed] == [(made.customization_id, "ready")]
    assert_done(made("DELETE"))


def test_it_is_neither_trained_nor_upgraded_and_stays_as_it_is(made: Model, only_sphinx_adapts: None) -> None:
    assert_error(made("POST", "/train"), 400, _reason(NEW, "acoustic_models"))
    assert_error(made("POST", "/upgrade_model"), 400, _reason(NEW, "acoustic_models"))
    assert made.status == "ready"


def test_it_can_be_upgraded_to_an_engine_that_adapts(made: Model, platform: Platform) -> None:
    assert_done(made("POST", "/upgrade_model"))
    assert made.shown["versions"] == [NEW, NEURAL]
    assert_done(made("POST", "/train"))
    (job,) = platform.created
    assert job["HyperParameters"]["base_version"] == NEURAL


def test_a_run_that_was_claimed_before_fails_with_the_reason(
    model: Model, platform: Platform, request: pytest.FixtureRequest
) -> None:
    model.add("a")
    claim = acoustic_training.begin_training(model.instance.owner, model.customization_id)
    request.getfixturevalue("without_sphinx")
    launch.resume(claim.model)
    shown = model.shown
    assert (shown["status"], shown["error"]) == ("failed", _reason())
    assert platform.created == []


def test_recognition_with_it_says_what_is_missing(
    instance: Instance, model: Model, platform: Platform, request: pytest.FixtureRequest
) -> None:
    model.add("a")
    assert_done(model("POST", "/train"))
    row = model.row
    assert acoustic_training.training_succeeded(row.owner, row.customization_id, 1, sha256="0" * 64)
    request.getfixturevalue("without_sphinx")
    answer = instance(
        "POST",
        f"/recognize?acoustic_customization_id={model.customization_id}",
        body=b"RIFF....WAVE" + bytes(200),
        headers={"Content-Type": "audio/wav"},
    )
    assert_error(answer, 400, _reason(NEW, "acoustic_models"))


def test_a_language_model_on_what_is_missing_says_so(
    instance: Instance, request: pytest.FixtureRequest
) -> None:
    language = Language(instance, base_model_version=NEW)
    request.getfixturevalue("without_sphinx")
    reason = _reason(NEW, "language_models")
    assert_error(language("PUT", "/words/quuxly", {"sounds_like": ["quicksly"]}), 400, reason)
    assert_error(language("POST", "/train"), 400, reason)
    # The network takes language models, so that an upgrade leads away from the engine that is missing.
    no_data = "No input data available for upgrade: the custom model contains no corpora, grammars or words."
    assert_error(language("POST", "/upgrade_model"), 400, no_data)
