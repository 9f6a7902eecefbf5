from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib.customization.acoustic import acoustic_training
from chalicelib.storage import layout, objects
from chalicelib.storage.layout import RunKey
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import cancel, cost, follow, jobs, launch
from tests import custom_models
from tests.sagemaker import Platform


def _launched(**audio: float) -> tuple[AcousticModel, RunKey, str]:
    model = custom_models.new()
    custom_models.add_audio(model, "one", **audio)
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    launch.start(claim)
    run = launch.run_of(claim.model)
    return custom_models.fresh(model), run, jobs.name_of(run)


def test_progress_is_shown_and_goes_forward_only(platform: Platform) -> None:
    model, run, _ = _launched()
    custom_models.say_progress(run, progress=41.5, stage="decoding, round 1 of 3", seconds_left=312.5)
    assert follow.progressed(run)
    model = custom_models.fresh(model)
    assert (model.progress, model.stage, model.seconds_left) == (41.5, "decoding, round 1 of 3", 312.5)
    custom_models.say_progress(run, progress=12, stage="older news", seconds_left=400)
    assert not follow.progressed(run)
    assert custom_models.fresh(model).progress == 41.5
    custom_models.say_progress(run, progress=100, stage="done", seconds_left=0)
    assert follow.progressed(run)
    assert custom_models.fresh(model).progress == 99, "100 is for what can be used"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"progress": "half"}',
        b'{"progress": NaN}',
        b'{"progress": true}',
        b"\xff",
        b"null",
        b'{"progress": 1, "seconds_left": "soon"}',
        b"[" * 100_000,
    ],
)
def test_unreadable_progress_is_ignored(platform: Platform, content: bytes) -> None:
    model, run, _ = _launched()
    assert not follow.progressed(run), "there is none yet"
    objects.put(run.progress_key, content)
    assert not follow.progressed(run)
    assert custom_models.fresh(model).progress == 0


def test_a_completed_job_is_promoted(platform: Platform) -> None:
    model, run, name = _launched()
    custom_models.leave_artefact(run, name)
    platform.set(name, "Completed")
    assert follow.ended(name)
    model = custom_models.fresh(model)
    packed = objects.get(layout.adapted_model_key(model.owner, model.customization_id, 1))
    assert (model.status, model.progress) == ("available", 100)
    assert model.promoted_run == model.reported_run == 1
    assert model.promoted_version == "en-US_BroadbandModel.v2020-01-16"
    assert model.promoted_sha256 == hashlib.sha256(packed).hexdigest()
    report = json.loads(objects.get(layout.report_key(model.owner, model.customization_id, 1)))
    assert report["decision"] == "adapted"
    assert not follow.ended(name), "said again, nothing changes"
    assert custom_models.fresh(model).attribute_values == model.attribute_values
    assert objects.exists(layout.adapted_model_key(model.owner, model.customization_id, 1))


def test_the_artefact_is_found_though_the_job_does_not_name_it(platform: Platform) -> None:
    model, run, name = _launched()
    custom_models.leave_artefact(run, name)
    platform.set(name, "Completed")
    platform.forget_artifacts(name)
    assert follow.ended(name)
    assert custom_models.fresh(model).status == "available"


def test_the_report_says_what_the_run_cost(platform: Platform) -> None:
    model, run, name = _launched()
    custom_models.leave_artefact(run, name)
    platform.set(name, "Completed")
    platform.bill(name, 1800)
    assert follow.ended(name)
    report = json.loads(objects.get(layout.report_key(model.owner, model.customization_id, 1)))
    assert report["decision"] == "adapted"
    assert report["cost"] == {
        "instance_type": "ml.c5.2xlarge",
        "instance_count": 1,
        "billable_s": 1800,
        "usd_per_hour": 0.408,
        "usd": 0.204,
        "price_source": cost.LIST,
    }


def test_a_platform_that_does_not_say_what_it_bills_leaves_the_cost_open(platform: Platform) -> None:
    model, run, name = _launched()
    custom_models.leave_artefact(run, name)
    platform.set(name, "Completed")
    platform.bill(name, None)
    assert follow.ended(name)
    report = json.loads(objects.get(layout.report_key(model.owner, model.customization_id, 1)))
    assert report["cost"] is None


@pytest.mark.parametrize(
    "artefact",
    [
        None,
        b"no archive",
        custom_models.artefact(report_json=None),
        custom_models.artefact(adapted_npz=b"tampered"),
    ],
    ids=["none", "no archive", "no report", "tampered"],
)
def test_an_unusable_artefact_fails_the_run(platform: Platform, artefact: bytes | None) -> None:
    model, run, name = _launched()
    if artefact is not None:
        custom_models.leave_artefact(run, name, artefact)
    platform.set(name, "Completed")
    assert follow.ended(name)
    model = custom_models.fresh(model)
    assert (model.status, model.error) == ("failed", follow.DAMAGED)
    assert not objects.exists(layout.adapted_model_key(model.owner, model.customization_id, 1))


def test_a_failed_retraining_leaves_the_last_good_model(platform: Platform) -> None:
    model, run, name = _launched()
    custom_models.leave_artefact(run, name)
    platform.set(name, "Completed")
    assert follow.ended(name)
    custom_models.add_audio(model, "two")
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    launch.start(claim)
    second = jobs.name_of(launch.run_of(claim.model))
    platform.set(second, "Failed", failure="AlgorithmError: No speech was found., exit code: 1")
    assert follow.ended(second)
    model = custom_models.fresh(model)
    assert (model.status, model.error, model.run, model.promoted_run) == (
        "failed",
        "No speech was found.",
        2,
        1,
    )
    assert not follow.ended(name), "the first job's end comes again, late"
    assert custom_models.fresh(model).status == "failed"


@pytest.mark.parametrize(
    ("status", "secondary", "reason", "shown"),
    [
        ("Failed", "Failed", "AlgorithmError: Too little speech, use more audio., exit code: 1", "Too little speech, use more audio."),
        ("Failed", "Failed", "AlgorithmError: Two\nlines.", "Two\nlines."),
        ("Failed", "Failed", "AlgorithmError: , exit code: 137", follow.PLATFORM_FAILED),
        ("Failed", "Failed", "AlgorithmError: exit code: 137", follow.PLATFORM_FAILED),
        ("Failed", "Failed", "InternalServerError: We encountered an internal error.", follow.PLATFORM_FAILED),
        ("Failed", "Failed", "CapacityError: Unable to provision ml.c5.2xlarge", follow.PLATFORM_FAILED),
        ("Failed", "Failed", "", follow.PLATFORM_FAILED),
        ("Stopped", "Stopped", "", follow.STOPPED),
        ("Stopped", "MaxRuntimeExceeded", "", follow.TOO_SLOW),
        ("Stopped", "MaxWaitTimeExceeded", "", follow.NO_CAPACITY),
    ],
)  # fmt: skip
def test_reasons_are_for_the_models_user(status: str, secondary: str, reason: str, shown: str) -> None:
    run = RunKey("owner", "customization", 1)
    job = jobs.LaunchedJob(jobs.name_of(run), run, jobs.TrainingJobStatus(status), secondary, reason, None)
    assert follow.failure_reason(job) == shown


def test_long_reasons_are_cut() -> None:
    run = RunKey("owner", "customization", 1)
    job = jobs.LaunchedJob(
        "name",
        run,
        jobs.TrainingJobStatus.FAILED,
        "Failed",
        f"AlgorithmError: {'x' * 3000}, exit code: 1",
        None,
    )
    assert follow.failure_reason(job) == "x" * 1024


def test_a_cancelled_run_returns_to_where_the_model_was(platform: Platform) -> None:
    model, _, name = _launched()
    cancel.request(model.owner, model.customization_id)
    assert platform.status(name) == "Stopping"
    assert custom_models.fresh(model).status == "training", "until the job has ended"
    platform.set(name, "Stopped")
    assert follow.ended(name)
    model = custom_models.fresh(model)
    assert (model.status, model.cancel_requested) == ("ready", False)
    assert not model.error


def test_a_cancelled_run_that_was_quicker_is_not_promoted(platform: Platform) -> None:
    model, run, name = _launched()
    custom_models.leave_artefact(run, name)
    platform.set(name, "Completed")
    cancel.request(model.owner, model.customization_id)
    assert follow.ended(name)
    model = custom_models.fresh(model)
    assert model.status == "ready"
    assert not model.promoted_run


def test_an_early_announcement_has_to_come_again(platform: Platform) -> None:
    _, _, name = _launched()
    with pytest.raises(follow.NotOverYet):
        follow.ended(name)


def test_unknown_jobs_change_nothing(platform: Platform) -> None:
    assert not follow.ended("attune-00000000-0000-4000-8000-000000000000-000001")


NEWS = ("progress 20", "progress 60", "ended")


@given(
    ends=st.sampled_from(["Completed", "Failed"]),
    news=st.permutations(NEWS * 2).flatmap(lambda order: st.integers(0, 6).map(lambda n: order[n:] + order)),
)
@hypothesis_settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_order_of_news_comes_to_the_same_end(platform: Platform, ends: str, news: list[str]) -> None:
    model, run, name = _launched()
    custom_models.leave_artefact(run, name)
    platform.set(name, ends, failure="AlgorithmError: No speech., exit code: 1" if ends == "Failed" else None)
    for item in news:
        if item == "ended":
            follow.ended(name)
        else:
            custom_models.say_progress(run, progress=float(item.split()[1]), stage=item, seconds_left=5)
            follow.progressed(run)
    model = custom_models.fresh(model)
    if ends == "Completed":
        assert (model.status, model.progress, model.promoted_run) == ("available", 100, 1)
        assert not model.error
    else:
        assert (model.status, model.progress, model.error) == ("failed", 0, "No speech.")
        assert not model.promoted_run
    assert model.run == 1
    assert not model.stage
    assert not model.seconds_left
