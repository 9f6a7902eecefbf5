"""Training custom acoustic models with the help of a custom language model, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.customization import language_models
from chalicelib.customization.acoustic import acoustic_training
from chalicelib.storage import layout, objects
from chalicelib.storage.tables import LanguageModel
from chalicelib.training import launch
from tests.api.calling import NEW, NEWEST, OLD, Instance, Model, assert_done, assert_error
from tests.sagemaker import Platform


def _helper(instance: Instance, **changes: Any) -> LanguageModel:
    """A language model whose second run is promoted."""
    model = language_models.create(instance.owner, name="menu", base_model_name="en-US_BroadbandModel")
    attributes = {"status": "available", "promoted_run": 2, "promoted_sha256": "cd" * 32}
    for name, value in {**attributes, "promoted_version": NEW, **changes}.items():
        setattr(model, name, value)
    model.save()
    objects.put(layout.language_model_key(instance.owner, model.customization_id, 2), b"an artefact")
    return model


def _train(model: Model, helper: LanguageModel, path: str = "/train") -> Any:
    return model("POST", f"{path}?custom_language_model_id={helper.customization_id}")


def _end(model: Model) -> None:
    row = model.row
    assert acoustic_training.training_succeeded(
        row.owner, row.customization_id, int(row.run), sha256="ab" * 32
    )


def test_the_helper_goes_to_the_job(model: Model, platform: Platform) -> None:
    model.add("one")
    helper = _helper(model.instance)
    assert_done(_train(model, helper))
    run = launch.run_of(model.row)
    (request,) = platform.created
    channels = {channel["ChannelName"]: channel for channel in request["InputDataConfig"]}
    assert channels["language"]["DataSource"]["S3DataSource"]["S3Uri"].endswith(run.language_prefix)
    assert json.loads(objects.get(f"{run.plan_prefix}plan.json"))["language_model"] == "language-model.tar.gz"
    assert objects.get(f"{run.language_prefix}language-model.tar.gz") == b"an artefact"
    _end(model)
    assert_error(_train(model, helper), 400, "No input data modified since last training")
    assert model.status == "available"
    assert_done(model("POST", "/train"))
    assert len(platform.created) == 2
    assert all(channel["ChannelName"] != "language" for channel in platform.created[1]["InputDataConfig"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "ready"}, "is 'ready', but it must be 'available'"),
        ({"promoted_version": OLD}, "upgrade both to the same version"),
        ({"base_model_name": "en-US_NarrowbandModel"}, "both need the same base model"),
    ],
)
def test_a_helper_that_cannot_help_fails_the_model(
    model: Model, platform: Platform, changes: dict[str, str], reason: str
) -> None:
    model.add("one")
    refused = _train(model, _helper(model.instance, **changes))
    assert refused.status == 400
    assert reason in refused.json["error"]
    assert (model.status, model.shown["error"]) == ("failed", refused.json["error"])
    assert platform.created == []


def test_upgrading_in_three_steps(instance: Instance, platform: Platform) -> None:
    model = instance.model(base_model_version=OLD)
    model.add("one")
    helper = _helper(instance, promoted_version=OLD)
    assert_done(_train(model, helper))
    _end(model)
    refused = _train(model, helper, "/upgrade_model")
    assert (refused.status, model.status) == (400, "available")
    helper.older_run, helper.older_version, helper.older_sha256 = 2, OLD, "cd" * 32
    helper.promoted_run, helper.promoted_version = 3, NEWEST
    helper.save()
    objects.put(layout.language_model_key(instance.owner, helper.customization_id, 3), b"a newer one")
    assert_done(model("POST", "/upgrade_model"))
    _end(model)
    assert model.shown["versions"] == [OLD, NEWEST]
    assert_done(_train(model, helper, "/upgrade_model"))
    assert (model.status, model.row.run_helper_run) == ("upgrading", 3)
    _end(model)
    assert (model.status, model.shown["versions"]) == ("available", [OLD, NEWEST])
    assert_error(_train(model, helper, "/upgrade_model"), 400, "No input data modified since last training")
    forced = model("POST", f"/upgrade_model?custom_language_model_id={helper.customization_id}&force=true")
    assert_done(forced)
    assert model.row.artefacts.keys() == {OLD, NEWEST}
