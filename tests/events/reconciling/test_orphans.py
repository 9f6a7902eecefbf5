from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib import settings
from chalicelib.customization import acoustic_models
from chalicelib.customization.acoustic import acoustic_training, audio_resources, kept_versions
from chalicelib.evaluation import evaluations, test_sets
from chalicelib.evaluation.evaluations import Material
from chalicelib.events.reconciling import orphans
from chalicelib.jobs import recognition_jobs
from chalicelib.storage import layout, objects
from chalicelib.storage.layout import AudioKey, JobKey, RunKey
from chalicelib.storage.tables import AcousticModel, AudioResource
from chalicelib.training import follow, jobs, launch
from tests import custom_models
from tests.sagemaker import Platform


def _cleared(later: timedelta = timedelta(hours=3)) -> int:
    return orphans.clear_away(datetime.now(UTC) + later)


def _everything() -> set[str]:
    return set(objects.keys(""))


def _trained(platform: Platform, model: AcousticModel) -> RunKey:
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    launch.start(claim)
    run = launch.run_of(claim.model)
    custom_models.say_progress(run, progress=99, stage="done", seconds_left=0)
    custom_models.leave_artefact(run, jobs.name_of(run))
    platform.set(jobs.name_of(run), "Completed")
    assert follow.ended(jobs.name_of(run))
    return run


def test_what_is_needed_stays(platform: Platform) -> None:
    model = custom_models.new()
    audio = custom_models.add_audio(model, "one")
    objects.put(audio.key.listing_key, b"{}")
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    launch.start(claim)
    custom_models.say_progress(launch.run_of(claim.model), progress=1)
    before = _everything()
    assert _cleared() == 0
    assert _everything() == before


def test_a_run_that_is_over_keeps_its_model_and_report(platform: Platform) -> None:
    model = custom_models.new()
    audio = custom_models.add_audio(model, "one")
    run = _trained(platform, model)
    assert _cleared(timedelta(minutes=5)) == 0, "somebody may still be at work"
    assert _cleared() > 0
    assert _everything() == {
        audio.key.key,
        layout.adapted_model_key(model.owner, model.customization_id, run.run),
        layout.report_key(model.owner, model.customization_id, run.run),
    }


@pytest.fixture
def one_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ATTUNE_KEPT_VERSIONS", "1")
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


def test_a_superseded_model_goes(platform: Platform, one_version: None) -> None:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    _trained(platform, model)
    custom_models.add_audio(model, "two")
    _trained(platform, model)
    _cleared()
    old = layout.adapted_model_key(model.owner, model.customization_id, 1)
    assert old in _everything(), "a job may be about to use it"
    _cleared(timedelta(hours=25))
    assert {key for key in _everything() if key.startswith("models/")} == {
        layout.adapted_model_key(model.owner, model.customization_id, 2),
        layout.report_key(model.owner, model.customization_id, 2),
    }


def test_versions_stay_and_one_that_was_removed_goes_a_day_later(platform: Platform) -> None:
    model = custom_models.new()
    for name in ("one", "two"):
        custom_models.add_audio(model, name)
        _trained(platform, model)
    _cleared(timedelta(days=9))
    of_version = [
        {
            layout.adapted_model_key(model.owner, model.customization_id, run),
            layout.report_key(model.owner, model.customization_id, run),
        }
        for run in (1, 2)
    ]
    assert {key for key in _everything() if key.startswith("models/")} == of_version[0] | of_version[1]
    kept_versions.remove(model.owner, model.customization_id, 1, in_use=lambda _: True)
    _cleared()
    assert of_version[0] <= _everything(), "a job may be about to use it"
    _cleared(timedelta(hours=25))
    assert {key for key in _everything() if key.startswith("models/")} == of_version[1]


def test_replaced_uploads_go_unless_they_may_come_back() -> None:
    model = custom_models.new()
    audio = custom_models.add_audio(model, "one")
    stale = AudioKey(model.owner, model.customization_id, audio.row.audio_id, "f" * 32)
    objects.put(stale.key, b"stale")
    objects.put(stale.listing_key, b"{}")
    other = custom_models.upload(model, "other")
    assert _cleared() == 0, "an analysis is going on"
    custom_models.analysed(other)
    assert _cleared() == 2
    assert _everything() == {audio.key.key, other.key.key}


def test_a_model_that_was_deleted_half_way_goes() -> None:
    model = custom_models.new()
    audio = custom_models.add_audio(model, "one")
    AcousticModel.get(model.owner, model.customization_id).delete()
    assert _cleared() == 1
    assert _everything() == set()
    with pytest.raises(AudioResource.DoesNotExist):
        AudioResource.get(model.customization_id, audio.row.audio_id)


def test_many_objects_are_looked_at_by_and_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "_LOOKED_AT", 5)
    kept = custom_models.add_audio(custom_models.new(), "kept")
    for number in range(12):
        objects.put(f"audio/{number:x}0000000-0000-4000-8000-000000000000/{'c' * 36}/a/b", b"orphan")
    for _ in range(200):
        _cleared()
        if len(_everything()) == 1:
            break
    assert _everything() == {kept.key.key}


def test_objects_without_a_job_go() -> None:
    owner = custom_models.OWNER
    kept, gone = recognition_jobs.new_id(), recognition_jobs.new_id()
    for job_id in (kept, gone):
        objects.put(JobKey(owner, job_id).audio_key, b"")
        objects.put(f"{JobKey(owner, job_id).pieces_prefix}0", b"")
    recognition_jobs.create(owner, kept, {})
    assert _cleared(timedelta(minutes=5)) == 0, "the row may be about to be written"
    assert _cleared() == 2
    assert {key.split("/")[2] for key in _everything()} == {kept}


def test_objects_without_a_test_set_or_an_evaluation_go() -> None:
    owner = custom_models.OWNER
    made = test_sets.create(
        owner, test_sets.new_id(), name="", size_bytes=1, contained_content_type=None, customer_id=None
    )
    measured = evaluations.create(owner, "", Material(evaluations.TEST_SET, made.test_set_id), [], None)
    kept = [test_sets.key_of(made).upload_key, evaluations.key_of(measured).results_key]
    gone = [key.replace(key.split("/")[2], test_sets.new_id()) for key in kept]
    for key in (*kept, *gone):
        objects.put(key, b"")
    assert _cleared() == 2
    assert _everything() == set(kept)


def test_foreign_keys_are_left_alone() -> None:
    objects.put("audio/readme", b"")
    objects.put("other/a/b/c", b"")
    assert _cleared() == 0
    assert _everything() == {"audio/readme", "other/a/b/c"}


def test_a_reset_leaves_nothing_that_stays(platform: Platform) -> None:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    _trained(platform, model)
    acoustic_models.reset(model.owner, model.customization_id)
    _cleared()
    assert _everything() == set()
    assert audio_resources.of_model(custom_models.fresh(model)) == []


def test_each_prefix_has_its_turn_within_four_hours() -> None:
    begin = datetime.now(UTC)
    turns = [orphans.turn(begin + timedelta(minutes=5 * number), 300.0) for number in range(48)]
    others = (layout.JOBS_PREFIX, layout.TEST_SETS_PREFIX, layout.EVALUATIONS_PREFIX)
    assert sorted(prefix for turn in turns for prefix in turn) == sorted(
        (*layout.MODELS_OWN_PREFIXES, *others)
    )


def test_only_below_the_prefix_whose_turn_it_is_anything_is_looked_for() -> None:
    model = custom_models.new()
    custom_models.upload(model, "old", b"RIFF")
    assert acoustic_models.find(model.owner, model.customization_id) is not None
    AcousticModel.get(model.owner, model.customization_id).delete()
    later = datetime.now(UTC) + timedelta(hours=3)
    assert orphans.clear_away(later, (layout.JOBS_PREFIX,)) == 0
    assert orphans.clear_away(later, (layout.AUDIO_PREFIX,)) >= 1
