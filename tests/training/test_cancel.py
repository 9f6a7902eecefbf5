from __future__ import annotations

import pytest

from chalicelib.customization.acoustic import acoustic_training
from chalicelib.customization.errors import NotTraining
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import cancel, jobs, launch
from tests import custom_models
from tests.sagemaker import Platform


def _claimed() -> AcousticModel:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    return acoustic_training.begin_training(model.owner, model.customization_id).model


def test_a_running_job_is_stopped(platform: Platform) -> None:
    model = _claimed()
    launch.resume(model)
    cancel.request(model.owner, model.customization_id)
    assert platform.status(jobs.name_of(launch.run_of(model))) == "Stopping"
    assert custom_models.fresh(model).cancel_requested


def test_a_run_without_a_job_ends_at_once(platform: Platform) -> None:
    model = _claimed()
    cancel.request(model.owner, model.customization_id)
    model = custom_models.fresh(model)
    assert (model.status, model.cancel_requested) == ("ready", False)


def test_the_wish_is_kept_while_the_platform_is_away(platform: Platform) -> None:
    model = _claimed()
    launch.resume(model)
    platform.error = ("ThrottlingException", "Rate exceeded")
    cancel.request(model.owner, model.customization_id)
    model = custom_models.fresh(model)
    assert (model.status, model.cancel_requested) == ("training", True)


def test_there_must_be_something_to_cancel(platform: Platform) -> None:
    model = custom_models.new()
    with pytest.raises(NotTraining):
        cancel.request(model.owner, model.customization_id)
