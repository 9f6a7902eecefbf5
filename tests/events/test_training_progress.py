from __future__ import annotations

from chalicelib.customization.acoustic import acoustic_training
from chalicelib.events import training_progress
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import launch
from tests import custom_models
from tests.events import recorded
from tests.sagemaker import Platform


def _training() -> AcousticModel:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    launch.start(claim)
    return claim.model


def test_progress_is_shown(platform: Platform) -> None:
    model = _training()
    run = launch.run_of(model)
    custom_models.say_progress(run, progress=42, stage="adapting", seconds_left=60.5)
    event = recorded.load("training_progress", run=run)
    for _ in range(2):
        assert training_progress.handle(event, None) == {"batchItemFailures": []}
    model = custom_models.fresh(model)
    assert (model.progress, model.stage, model.seconds_left) == (42, "adapting", 60.5)


def test_several_announcements_show_the_newest(platform: Platform) -> None:
    runs = [launch.run_of(_training()) for _ in range(2)]
    for number, run in enumerate(runs):
        custom_models.say_progress(run, progress=10 + number, stage=None, seconds_left=None)
    events = [recorded.load("training_progress", run=run) for run in (*runs, *runs)]
    assert training_progress.handle(recorded.together(*events), None) == {"batchItemFailures": []}
    rows = [AcousticModel.get(run.owner, run.customization_id) for run in runs]
    assert [row.progress for row in rows] == [10, 11]


def test_unknown_runs_and_test_events_are_no_failure() -> None:
    batch = recorded.together(recorded.load("training_progress"), recorded.load("s3_test_event"))
    assert training_progress.handle(batch, None) == {"batchItemFailures": []}


def test_a_key_that_is_none_of_a_run_is_a_failure() -> None:
    event = recorded.from_queue("attune-training-progress", recorded.load("audio_uploaded"))
    assert len(recorded.failed(training_progress.handle(event, None))) == 1
