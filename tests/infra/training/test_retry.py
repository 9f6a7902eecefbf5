from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from chalicelib.customization.acoustic import acoustic_training
from chalicelib.customization.errors import TrainingRefused
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import follow, launch
from chalicelib.training import jobs as service_jobs
from infra.training import retry
from infra.training.jobs import ListedJob
from infra.training.retry import NothingToRetry
from tests import custom_models, resources
from tests.infra.training.listed import listed
from tests.sagemaker import Platform


@pytest.fixture(autouse=True, scope="module")
def _account() -> Iterator[None]:
    with mock_aws():
        resources.create()
        yield


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.mark.parametrize(
    ("status", "reason"),
    [("Completed", "has left a model"), ("InProgress", "is not over"), ("Stopping", "not over")],
)
def test_only_what_left_no_model_is_tried_again(status: str, reason: str) -> None:
    with pytest.raises(NothingToRetry, match=reason):
        retry.check(listed(status=status))


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_what_left_no_model_is_tried_again(status: str) -> None:
    retry.check(listed(status=status))


def _failed(platform: Platform) -> AcousticModel:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    launch.start(acoustic_training.begin_training(model.owner, model.customization_id))
    name = service_jobs.name_of(launch.run_of(custom_models.fresh(model)))
    platform.set(name, "Failed", failure="InternalServerError: We encountered an internal error.")
    assert follow.ended(name)
    return custom_models.fresh(model)


def _job(model: AcousticModel, platform: Platform) -> ListedJob:
    tags = {tag["Key"]: tag["Value"] for tag in platform.created[-1]["Tags"]}
    return listed(name=f"attune-{model.customization_id}-000001", status="Failed", tags=tags)


def test_a_custom_model_is_trained_anew_under_its_next_run(platform: Platform) -> None:
    model = _failed(platform)
    assert model.status == "failed"
    name = retry.train_again(_job(model, platform))
    assert name == f"attune-{model.customization_id}-000002"
    model = custom_models.fresh(model)
    assert (model.status, model.run, model.job_name) == ("training", 2, name)
    assert [request["TrainingJobName"] for request in platform.created][-1] == name


def test_a_model_without_audio_is_not_trained_anew(platform: Platform) -> None:
    model = custom_models.new()
    tags = {"attune:owner": model.owner, "attune:customization": model.customization_id}
    with pytest.raises(TrainingRefused, match="No input data available"):
        retry.train_again(listed(status="Failed", tags=tags))
    assert platform.created == []


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("attune-by-hand-20260101000000", "attune-by-hand-20261130101500"),
        ("attune-mine", "attune-mine-20261130101500"),
        ("a" * 63, f"{'a' * 48}-20261130101500"),
        (f"{'a' * 47}-bcd", f"{'a' * 47}-20261130101500"),
    ],
)
def test_a_new_name_is_one_that_sagemaker_takes(name: str, new: str) -> None:
    assert retry.again(name, "20261130101500") == new
    assert len(new) <= 63


def test_tags_of_the_platform_cannot_be_given() -> None:
    assert retry.tags({"who": "me", "aws:cloudformation:stack": "x"}) == [{"key": "who", "value": "me"}]
