from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.customization import runs
from chalicelib.customization.acoustic import acoustic_training
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import cancel, follow, jobs, launch
from chalicelib.training.recover import recover
from tests import custom_models
from tests.sagemaker import Platform, out_of_quota

NOW = datetime.now(UTC)
LATER = timedelta(minutes=5)

NEWEST = "en-US_BroadbandModel.v2026-11-30"


def _claimed() -> AcousticModel:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    return acoustic_training.begin_training(model.owner, model.customization_id).model


def _launched() -> tuple[AcousticModel, str]:
    model = _claimed()
    launch.resume(model)
    return custom_models.fresh(model), jobs.name_of(launch.run_of(model))


def _recovered(model: AcousticModel, after: timedelta = LATER, *, restarted: bool = False) -> AcousticModel:
    recover(custom_models.fresh(model), datetime.now(UTC) + after, restarted=restarted)
    return custom_models.fresh(model)


def test_a_launch_that_is_at_work_is_left_alone(platform: Platform) -> None:
    assert not _recovered(_claimed(), timedelta(seconds=5)).job_name
    assert platform.created == []


@pytest.mark.parametrize(("after", "restarted"), [(LATER, False), (timedelta(0), True)])
def test_a_launch_that_died_is_done_again(platform: Platform, after: timedelta, restarted: bool) -> None:
    model = _recovered(_claimed(), after, restarted=restarted)
    assert model.job_name == jobs.name_of(launch.run_of(model))
    assert (model.status, len(platform.created)) == ("training", 1)


def test_a_launch_that_died_before_it_was_noted_is_noted(platform: Platform) -> None:
    model, name = _launched()
    model.update(actions=[AcousticModel.job_name.remove()])
    assert _recovered(model).job_name == name
    assert len(platform.created) == 1


@pytest.mark.parametrize(("machines", "reason"), [(0, follow.NO_QUOTA), (4, follow.NO_CAPACITY)])
def test_no_machine_for_a_day(platform: Platform, machines: int, reason: str) -> None:
    platform.error = ("ResourceLimitExceeded", out_of_quota(machines))
    model = _claimed()
    launch.resume(model)
    platform.error = None
    model = _recovered(custom_models.fresh(model), timedelta(hours=25))
    assert (model.status, model.error) == ("failed", reason)


def test_a_cancelled_run_without_a_job_is_over(platform: Platform) -> None:
    model = _claimed()
    runs.request_cancel(AcousticModel, model.owner, model.customization_id)
    assert _recovered(model).status == "ready"
    assert platform.created == []


def test_a_lost_wish_to_cancel_is_passed_on(platform: Platform) -> None:
    model, name = _launched()
    platform.error = ("ThrottlingException", "Rate exceeded")
    cancel.request(model.owner, model.customization_id)
    platform.error = None
    _recovered(model)
    assert platform.status(name) == "Stopping"
    _recovered(model)
    assert platform.status(name) == "Stopping"


def test_lost_news_of_progress(platform: Platform) -> None:
    model, _ = _launched()
    custom_models.say_progress(launch.run_of(model), progress=33, stage="adapting", seconds_left=9)
    assert _recovered(model).progress == 33


def test_a_lost_end(platform: Platform) -> None:
    model, name = _launched()
    custom_models.leave_artefact(launch.run_of(model), name)
    platform.set(name, "Completed")
    model = _recovered(model)
    assert (model.status, model.promoted_run) == ("available", 1)


def test_an_upgrade_is_recovered_as_well(platform: Platform) -> None:
    model, name = _launched()
    old = "en-US_BroadbandModel.v2018-07-31"
    custom_models.leave_artefact(launch.run_of(model), name)
    platform.set(name, "Completed")
    model = _recovered(model)
    model.update(actions=[AcousticModel.versions.set([old]), AcousticModel.promoted_version.set(old)])
    assert acoustic_training.begin_upgrade(model.owner, model.customization_id) is not None
    model = _recovered(model)
    second = jobs.name_of(launch.run_of(model))
    assert (model.status, platform.created[-1]["HyperParameters"]["run"]) == ("upgrading", "2")
    upgraded = custom_models.artefact("whisper", NEWEST)
    custom_models.leave_artefact(launch.run_of(model), second, upgraded)
    platform.set(second, "Completed")
    model = _recovered(model)
    assert (model.status, model.versions[-1], model.promoted_run) == (
        "available",
        NEWEST,
        2,
    )


def test_an_unreachable_platform_is_asked_again_later(platform: Platform) -> None:
    model, _ = _launched()
    platform.error = ("ThrottlingException", "Rate exceeded")
    with pytest.raises(jobs.PlatformUnavailable):
        recover(model, NOW)
