from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.customization.acoustic import acoustic_training
from chalicelib.events import training_changed
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import cancel, jobs, launch
from tests import custom_models
from tests.events import recorded
from tests.sagemaker import Platform


def _training() -> tuple[AcousticModel, str]:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    launch.start(claim)
    return claim.model, jobs.name_of(launch.run_of(claim.model))


def _event(name: str, model: AcousticModel) -> dict[str, Any]:
    return recorded.load(name, run=launch.run_of(model))


def test_a_completed_job_is_promoted_once(platform: Platform) -> None:
    model, name = _training()
    custom_models.leave_artefact(launch.run_of(model), name)
    platform.set(name, "Completed")
    event = _event("training_completed", model)
    assert training_changed.handle(event, None) == {"batchItemFailures": []}
    row = custom_models.fresh(model)
    assert (row.status, row.promoted_run) == ("available", 1)
    assert training_changed.handle(recorded.together(event, event), None) == {"batchItemFailures": []}
    assert custom_models.fresh(model).attribute_values == row.attribute_values


def test_a_failed_job_says_why(platform: Platform) -> None:
    model, name = _training()
    reason = "No speech was found in the audio. Upload recordings of people talking."
    platform.set(name, "Failed", failure=f"AlgorithmError: {reason}, exit code: 1")
    assert training_changed.handle(_event("training_failed", model), None) == {"batchItemFailures": []}
    row = custom_models.fresh(model)
    assert (row.status, row.error) == ("failed", reason)


def test_a_stopped_job_was_cancelled(platform: Platform) -> None:
    model, name = _training()
    cancel.request(model.owner, model.customization_id)
    platform.set(name, "Stopped")
    assert training_changed.handle(_event("training_stopped", model), None) == {"batchItemFailures": []}
    assert custom_models.fresh(model).status == "ready"


def test_an_end_that_the_platform_does_not_know_yet_comes_again(platform: Platform) -> None:
    model, name = _training()
    event = _event("training_completed", model)
    assert len(recorded.failed(training_changed.handle(event, None))) == 1
    assert custom_models.fresh(model).status == "training"
    custom_models.leave_artefact(launch.run_of(model), name)
    platform.set(name, "Completed")
    assert training_changed.handle(event, None) == {"batchItemFailures": []}
    assert custom_models.fresh(model).status == "available"


def test_an_unreachable_platform_is_asked_again(platform: Platform) -> None:
    model, name = _training()
    custom_models.leave_artefact(launch.run_of(model), name)
    platform.set(name, "Completed")
    platform.error = ("ThrottlingException", "Rate exceeded")
    assert len(recorded.failed(training_changed.handle(_event("training_completed", model), None))) == 1
    platform.error = None
    assert training_changed.handle(_event("training_completed", model), None) == {"batchItemFailures": []}
    assert custom_models.fresh(model).status == "available"


def test_unknown_jobs_are_no_failure(platform: Platform) -> None:
    assert training_changed.handle(recorded.load("training_completed"), None) == {"batchItemFailures": []}


def test_a_job_that_runs_is_no_news(platform: Platform) -> None:
    model, _ = _training()
    text = json.dumps(_event("training_completed", model)).replace(
        '\\"TrainingJobStatus\\": \\"Completed\\"', '\\"TrainingJobStatus\\": \\"InProgress\\"'
    )
    assert training_changed.handle(json.loads(text), None) == {"batchItemFailures": []}
    assert custom_models.fresh(model).status == "training"


@pytest.mark.parametrize("name", ["s3_test_event", "audio_uploaded"])
def test_other_events_are_failures(name: str) -> None:
    event = recorded.from_queue("attune-training-changed", recorded.load(name))
    assert len(recorded.failed(training_changed.handle(event, None))) == 1
