from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.customization.acoustic import acoustic_training
from chalicelib.settings import SettingsError
from chalicelib.storage.layout import RunKey
from chalicelib.training import jobs, launch
from tests import custom_models
from tests.sagemaker import Platform


def _launched() -> RunKey:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    launch.start(claim)
    return launch.run_of(claim.model)


def test_a_job_is_described(platform: Platform) -> None:
    run = _launched()
    name = jobs.name_of(run)
    assert jobs.describe(name) == jobs.LaunchedJob(
        name=name,
        run=run,
        status=jobs.TrainingJobStatus.IN_PROGRESS,
        secondary_status="Training",
        failure_reason="",
        artifact_key=f"{run.output_prefix}{name}/output/model.tar.gz",
    )


def test_a_job_without_artefact(platform: Platform) -> None:
    name = jobs.name_of(_launched())
    platform.forget_artifacts(name)
    job = jobs.describe(name)
    assert job is not None
    assert job.artifact_key is None


def test_unknown_jobs_are_no_error(platform: Platform) -> None:
    assert jobs.describe("attune-unknown") is None
    assert jobs.stop("attune-unknown") is False


def test_a_job_of_somebody_else_is_none_of_ours(platform: Platform) -> None:
    jobs.client().create_training_job(
        TrainingJobName="attune-by-hand",
        AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
        RoleArn="arn:aws:iam::111111111111:role/other",
        OutputDataConfig={"S3OutputPath": "s3://elsewhere/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    assert jobs.describe("attune-by-hand") is None


def test_stopping_twice_and_after_the_end(platform: Platform) -> None:
    name = jobs.name_of(_launched())
    assert jobs.stop(name)
    assert platform.status(name) == "Stopping"
    platform.set(name, "Completed")
    assert jobs.stop(name)
    assert platform.status(name) == "Completed"


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure", "ResourceLimitExceeded"])
def test_what_passes_is_told_from_what_does_not(platform: Platform, code: str) -> None:
    run = _launched()
    platform.error = (code, "later")
    with pytest.raises(jobs.PlatformUnavailable):
        jobs.describe(jobs.name_of(run))
    with pytest.raises(jobs.PlatformUnavailable):
        jobs.stop(jobs.name_of(run))


def test_an_unreachable_platform_may_come_back(platform: Platform) -> None:
    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    jobs.client().meta.events.register("before-call.sagemaker.DescribeTrainingJob", unreachable)
    with pytest.raises(jobs.PlatformUnavailable):
        jobs.describe("attune-any")


def test_names_are_told_from_those_of_other_installations() -> None:
    uuid = "0f3c5b7a-9d1e-4c2b-8a6f-1e2d3c4b5a69"
    assert jobs.is_name_of_a_run(f"attune-{uuid}-000001")
    for other in (f"attune-dev-{uuid}-000001", "attune-by-hand-1", f"blue-{uuid}-000001", f"attune-{uuid}"):
        assert not jobs.is_name_of_a_run(other)


def test_the_longest_name_fits_sagemaker(monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunKey("owner", "0f3c5b7a-9d1e-4c2b-8a6f-1e2d3c4b5a69", 999_999)
    monkeypatch.setenv("ATTUNE_SERVICE_INSTANCE", "a" * 18)
    assert len(jobs.name_of(run)) <= 63
    for wrong in ("a" * 19, "Attune", "attune-", "1a"):
        monkeypatch.setenv("ATTUNE_SERVICE_INSTANCE", wrong)
        with pytest.raises(SettingsError, match="ATTUNE_SERVICE_INSTANCE must have at most 18"):
            jobs.name_of(run)
