from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib import settings
from chalicelib.customization import runs, turns
from chalicelib.customization.acoustic import acoustic_training
from chalicelib.customization.acoustic.acoustic_training import AcousticClaim
from chalicelib.storage import objects
from chalicelib.storage.layout import RunKey
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import jobs, launch, plan
from chalicelib.training.recover import recover
from tests import custom_models
from tests.sagemaker import Platform, out_of_quota


def _claim() -> AcousticClaim:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    return acoustic_training.begin_training(model.owner, model.customization_id)


def test_the_request_is_complete(platform: Platform) -> None:
    claim = _claim()
    launch.start(claim)
    model = custom_models.fresh(claim.model)
    name = f"attune-{model.customization_id}-000001"
    assert (model.status, model.job_name) == ("training", name)
    base = f"s3://attune-test/training/{model.owner}/{model.customization_id}/000001"
    chosen = settings.current()
    (request,) = platform.created
    assert request == {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": chosen.every_engine.training_image,
            "TrainingInputMode": "File",
        },
        "RoleArn": chosen.training_role_arn,
        "InputDataConfig": [
            {
                "ChannelName": "plan",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": f"{base}/plan/",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            },
            {
                "ChannelName": "audio",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "ManifestFile",
                        "S3Uri": f"{base}/audio.manifest",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            },
        ],
        "OutputDataConfig": {"S3OutputPath": f"{base}/output/"},
        "CheckpointConfig": {"S3Uri": f"{base}/checkpoints/", "LocalPath": "/opt/ml/checkpoints"},
        # 700 s at 16 kHz as float32 are 45 MB.
        "ResourceConfig": {"InstanceType": "ml.c5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 31},
        "StoppingCondition": {"MaxRuntimeInSeconds": 14_400, "MaxWaitTimeInSeconds": 28_800},
        "RetryStrategy": {"MaximumRetryAttempts": 2},
        "EnableManagedSpotTraining": True,
        "EnableNetworkIsolation": True,
        "HyperParameters": {
            "customization_id": model.customization_id,
            "run": "1",
            "base_version": "en-US_BroadbandModel.v2020-01-16",
            "engine": "sphinx",
            "max_runtime_s": "14400",
        },
        "Environment": {"PYTHONUNBUFFERED": "1"},
        "Tags": [
            {"Key": "attune:instance", "Value": "attune"},
            {"Key": "attune:owner", "Value": model.owner},
            {"Key": "attune:customization", "Value": model.customization_id},
            {"Key": "attune:run", "Value": "1"},
        ],
    }
    assert objects.exists(f"{launch.run_of(model).plan_prefix}plan.json")


def test_without_spot_there_is_no_wait_time(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_TRAINING_USE_SPOT", "false")
    settings.current.cache_clear()
    try:
        launch.start(_claim())
    finally:
        monkeypatch.undo()
        settings.current.cache_clear()
    (request,) = platform.created
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 14_400}
    assert request["EnableManagedSpotTraining"] is False


def test_an_engine_may_have_a_machine_of_its_own(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_SPHINX_TRAINING_IMAGE", "registry/sphinx:2")
    monkeypatch.setenv("ATTUNE_SPHINX_TRAINING_INSTANCE_TYPE", "ml.c7i.large")
    monkeypatch.setenv("ATTUNE_WHISPER_TRAINING_INSTANCE_TYPE", "ml.g5.xlarge")
    settings.current.cache_clear()
    try:
        launch.start(_claim())
    finally:
        monkeypatch.undo()
        settings.current.cache_clear()
    (request,) = platform.created
    assert request["AlgorithmSpecification"]["TrainingImage"] == "registry/sphinx:2"
    assert request["ResourceConfig"]["InstanceType"] == "ml.c7i.large"


def test_a_second_launch_adopts_the_job(platform: Platform) -> None:
    claim = _claim()
    launch.start(claim)
    launch.start(claim)  # it has its turn already
    launch.resume(custom_models.fresh(claim.model))
    launch.launch(custom_models.fresh(claim.model))
    assert len(platform.created) == 3
    assert platform.created[0] == platform.created[1] == platform.created[2]
    assert custom_models.fresh(claim.model).status == "training"


def test_without_capacity_the_run_waits(platform: Platform) -> None:
    claim = _claim()
    platform.error = ("ResourceLimitExceeded", out_of_quota(4))
    launch.start(claim)
    model = custom_models.fresh(claim.model)
    assert (model.status, model.stage) == ("training", launch.WAITING)
    assert not model.job_name
    platform.error = None
    launch.resume(model)
    assert custom_models.fresh(claim.model).job_name == jobs.name_of(launch.run_of(model))


def test_a_quota_of_nothing_is_said_at_once(platform: Platform) -> None:
    claim = _claim()
    platform.error = ("ResourceLimitExceeded", out_of_quota(0))
    launch.start(claim)
    model = custom_models.fresh(claim.model)
    assert model.status == "training"
    assert model.stage == (
        "waiting for a training machine: the service's AWS account has a quota of 0 for "
        "'ml.c5.2xlarge for spot training job usage'; tell its operator"
    )
    platform.error = None
    launch.resume(model)
    assert custom_models.fresh(claim.model).job_name == jobs.name_of(launch.run_of(model))


def test_the_trouble_with_another_run_is_not_that_of_the_caller(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, own = _claim(), _claim()
    assert turns.join(other.model)
    store = plan.store

    def broken(run: RunKey, *arguments: Any) -> None:
        if run.customization_id == other.model.customization_id:
            raise ZeroDivisionError
        store(run, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(plan, "store", broken)
        launch.start(own)
    assert custom_models.fresh(own.model).job_name
    waits = custom_models.fresh(other.model)
    assert waits.status == "training" and not waits.job_name
    recover(waits, datetime.now(UTC) + timedelta(minutes=5))
    assert custom_models.fresh(other.model).job_name


def test_a_rejected_job_fails_the_run_with_a_reason(platform: Platform) -> None:
    claim = _claim()
    platform.error = ("ValidationException", "Could not assume role arn:aws:iam::1:role/x")
    launch.start(claim)
    model = custom_models.fresh(claim.model)
    assert (model.status, model.error) == ("failed", launch.NOT_STARTED)
    assert "arn:" not in str(model.error)


def test_a_run_cancelled_while_it_is_launched_is_stopped(platform: Platform) -> None:
    claim = _claim()
    run = launch.run_of(claim.model)
    assert turns.join(claim.model)
    (model,) = turns.serve(turns.TrainingBudget(0, 0))
    assert runs.cancelled(AcousticModel, run.owner, run.customization_id, run.run)
    launch.launch(model)
    assert platform.status(jobs.name_of(run)) == "Stopping"
    assert custom_models.fresh(claim.model).status == "ready"


def test_a_run_cancelled_before_it_came_into_the_line_is_not_launched(platform: Platform) -> None:
    claim = _claim()
    run = launch.run_of(claim.model)
    assert runs.cancelled(AcousticModel, run.owner, run.customization_id, run.run)
    launch.start(claim)
    assert platform.created == []


def test_a_job_that_could_not_be_noted_goes_on(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = _claim()

    def unreachable(*_: object) -> bool:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1")

    with monkeypatch.context() as patched:
        patched.setattr(acoustic_training, "job_created", unreachable)
        launch.start(claim)
    model = custom_models.fresh(claim.model)
    assert model.status == "training"
    assert not model.job_name
    recover(model, datetime.now(UTC), restarted=False)
    assert custom_models.fresh(model).job_name == jobs.name_of(launch.run_of(model))
    assert len(platform.created) == 1


def test_training_by_itself_waits_for_enough_new_audio(platform: Platform) -> None:
    model = custom_models.new(retrain_after_minutes=20)
    custom_models.add_audio(model, "one", duration_s=700)
    assert not launch.train_when_due(model.owner, model.customization_id)
    custom_models.add_audio(model, "two", duration_s=500)
    assert launch.train_when_due(model.owner, model.customization_id)
    assert custom_models.fresh(model).status == "training"
    assert not launch.train_when_due(model.owner, model.customization_id)
    assert not launch.train_when_due(model.owner, "00000000-0000-4000-8000-000000000000")
    assert len(platform.created) == 1


def test_a_helper_that_is_gone_fails_the_run_with_a_reason(platform: Platform) -> None:
    claim = _claim()
    gone = AcousticModel.run_helper.set("00000000-0000-4000-8000-000000000000")
    custom_models.fresh(claim.model).update(actions=[gone, AcousticModel.run_helper_run.set(1)])
    launch.start(claim)
    model = custom_models.fresh(claim.model)
    assert (model.status, model.error) == ("failed", launch.HELPER_GONE)
