from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import settings
from chalicelib.customization import runs, training_ends
from chalicelib.customization.acoustic import acoustic_training, audio_resources
from chalicelib.customization.custom_models import clear_away
from chalicelib.direct_uploads import uploads
from chalicelib.events import audio_uploaded, reconcile
from chalicelib.events.delivery import announcements, messages
from chalicelib.events.reconciling.happened import Happened
from chalicelib.storage import objects
from chalicelib.storage.tables import AcousticModel, AudioResource, Erasure
from chalicelib.training import jobs, launch
from chalicelib.training.recover import recover
from infra import resources
from infra.local import events
from tests import custom_models
from tests.events import recorded
from tests.sagemaker import Platform

QUEUE = "attune-audio-uploaded"


@pytest.fixture(autouse=True)
def _empty_queue() -> None:
    messages.client.cache_clear()
    messages.url_of.cache_clear()
    _drain()


def _drain() -> list[str]:
    """Take everything out of the queue and return the keys that are announced."""
    url, keys = messages.url_of(QUEUE), []
    while found := messages.client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            keys += [announcement.key for announcement in announcements.read(message["Body"])]
            messages.client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return keys


def _reconciled(*, restarted: bool = False, messages_lost: bool = False) -> dict[str, Any]:
    event = recorded.load("reconcile")
    if restarted:
        event["detail"] = {"restarted": True}
    if messages_lost:
        event["detail"] = {"messages_lost": True}
    answer = reconcile.handle(event, None)
    assert answer["failed"] == 0
    return answer


def _lost_upload(model: AcousticModel, audio_name: str, age: timedelta, **options: Any) -> AudioResource:
    """Upload audio whose announcement is lost."""
    audio = custom_models.upload(model, audio_name, **options).row
    audio.update(actions=[AudioResource.updated.set(datetime.now(UTC) - age)])
    _drain()
    return audio


def test_messages_that_were_given_up_are_counted(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    _reconciled()
    assert "MessagesGivenUp" not in capsys.readouterr().out
    queues = settings.current().dead_letter_queues
    assert sorted(queues) == sorted(
        queue.name for queue in resources.load().queues if queue.dead_letter_queue is None
    )
    url = messages.url_of(queues[3])
    messages.client().send_message(QueueUrl=url, MessageBody="{}")
    _reconciled()
    told = capsys.readouterr().out
    assert json.loads(told.splitlines()[-1])["MessagesGivenUp"] == [1.0]
    assert queues[3] in [getattr(record, "queue", None) for record in caplog.records]


@pytest.mark.parametrize(("age_minutes", "told"), [(55, False), (65, True)])
def test_an_upload_that_has_waited_for_an_hour_is_told_of(
    age_minutes: int, capsys: pytest.CaptureFixture[str], *, told: bool
) -> None:
    model = custom_models.new()
    _lost_upload(model, "one", timedelta(minutes=age_minutes))
    _reconciled()
    assert ("WaitedForAnHour" in capsys.readouterr().out) is told


def test_nothing_to_do_changes_nothing() -> None:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    _drain()
    row = custom_models.fresh(model).attribute_values
    assert _reconciled() == {"looked_after": 0, "jobs": 0, "failed": 0, "orphans": 0}
    assert custom_models.fresh(model).attribute_values == row
    assert _drain() == []


def test_a_lost_announcement_is_repeated_and_works() -> None:
    model = custom_models.new()
    audio = _lost_upload(model, "a b", timedelta(minutes=2))
    _reconciled()
    key = audio_resources.key_of(audio)
    (message,) = messages.client().receive_message(QueueUrl=messages.url_of(QUEUE))["Messages"]
    event = recorded.load("audio_uploaded")
    event["Records"][0]["body"] = message["Body"]
    assert [announced.key for announced in announcements.read(message["Body"])] == [key.key]
    assert recorded.failed(audio_uploaded.handle(event, None)) == []
    assert not custom_models.fresh(model).analysing


def test_an_announcement_that_may_still_come_is_not_repeated() -> None:
    _lost_upload(custom_models.new(), "one", timedelta(seconds=10))
    _reconciled()
    assert _drain() == []


def test_while_the_queue_is_full_the_reconciler_is_patient() -> None:
    model = custom_models.new()
    _lost_upload(model, "two minutes", timedelta(minutes=2))
    audio = _lost_upload(model, "three hours", timedelta(hours=3))
    messages.client().send_message(QueueUrl=messages.url_of(QUEUE), MessageBody='{"Records": []}')
    _reconciled()
    assert _drain() == [audio_resources.key_of(audio).key]


def test_after_a_restart_nobody_is_waited_for(platform: Platform) -> None:
    model = custom_models.new()
    audio = _lost_upload(model, "stored", timedelta(0))
    _lost_upload(model, "never stored", timedelta(0), data=None)
    other = custom_models.new()
    custom_models.add_audio(other, "one")
    acoustic_training.begin_training(other.owner, other.customization_id)
    _drain()
    _reconciled(restarted=True)
    assert _drain() == [audio_resources.key_of(audio).key]
    resource = audio_resources.get(custom_models.fresh(model), "never stored")
    assert (resource.status, resource.error) == ("invalid", reconcile.NEVER_ARRIVED)
    assert custom_models.fresh(model).analysing == {audio.upload_id}
    assert len(platform.created) == 1


def test_when_the_queues_were_emptied_all_is_announced_and_nothing_given_up(platform: Platform) -> None:
    model = custom_models.new()
    audio = _lost_upload(model, "stored", timedelta(0))
    _lost_upload(model, "still on its way", timedelta(0), data=None)
    other = custom_models.new()
    custom_models.add_audio(other, "one")
    launch.start(acoustic_training.begin_training(other.owner, other.customization_id))
    _drain()
    _reconciled(messages_lost=True)
    assert _drain() == [audio_resources.key_of(audio).key]
    resource = audio_resources.get(custom_models.fresh(model), "still on its way")
    assert resource.status == "being_processed"
    assert len(platform.created) == 1


def test_a_training_whose_launch_met_the_stores_end_is_launched_at_once(platform: Platform) -> None:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    acoustic_training.begin_training(model.owner, model.customization_id)  # and no more
    _reconciled()
    assert platform.created == []
    _reconciled(messages_lost=True)
    assert len(platform.created) == 1


def test_who_is_to_look_again_at_a_model_that_trains_by_itself_is_sent_anew(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_RETRAIN_QUIET_S", "120")
    settings.current.cache_clear()
    model = custom_models.new(retrain_after_minutes=10)
    custom_models.add_audio(model, "one")
    sent: list[Any] = []
    due = settings.current().training_due_queue
    monkeypatch.setattr(
        "chalicelib.storage.queues.send",
        lambda queue, message, **_: sent.append(message["id"]) if queue == due else None,
    )
    wanted = model.customization_id
    for messages_lost, times in ((False, 1), (False, 1), (True, 2)):
        _reconciled(messages_lost=messages_lost)
        assert sent == [wanted] * times
    assert platform.created == []
    monkeypatch.undo()
    settings.current.cache_clear()


@pytest.mark.parametrize(("age", "status"), [(5, "being_processed"), (30, "invalid")])
def test_an_upload_that_never_arrives_is_given_up(age: int, status: str) -> None:
    model = custom_models.new()
    _lost_upload(model, "one", timedelta(minutes=age), data=None)
    _reconciled()
    assert audio_resources.get(custom_models.fresh(model), "one").status == status
    assert bool(custom_models.fresh(model).analysing) is (status == "being_processed")
    assert _drain() == []


@pytest.mark.parametrize("restarted", [True, False])
def test_what_an_upload_was_to_replace_is_back_when_it_never_arrives(restarted: bool) -> None:
    model = custom_models.new()
    former = custom_models.add_audio(model, "one", duration_s=650.0).row
    _lost_upload(model, "one", timedelta(minutes=30), data=None, allow_overwrite=True)
    assert custom_models.fresh(model).status == "pending"
    _reconciled(restarted=restarted)
    kept = audio_resources.get(custom_models.fresh(model), "one")
    assert (kept.upload_id, kept.status, kept.duration_s) == (former.upload_id, "ok", 650.0)
    assert objects.exists(audio_resources.key_of(kept).key)
    assert custom_models.fresh(model).status == "ready"


def test_what_an_upload_was_to_replace_is_not_brought_back_without_its_bytes() -> None:
    model = custom_models.new()
    former = custom_models.add_audio(model, "one")
    _lost_upload(model, "one", timedelta(0), data=None, allow_overwrite=True)
    objects.delete(former.key.key)
    _reconciled(restarted=True)
    resource = audio_resources.get(custom_models.fresh(model), "one")
    assert (resource.status, resource.error) == ("invalid", reconcile.NEVER_ARRIVED)


def test_an_upload_that_was_analysed_has_replaced_the_one_before() -> None:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    accepted = custom_models.upload(model, "one", allow_overwrite=True)
    custom_models.analysed(accepted)
    resource = audio_resources.get(custom_models.fresh(model), "one")
    assert resource.upload_id == accepted.row.upload_id
    assert "replaced" not in resource.to_dynamodb_dict()


def test_lost_training_events(platform: Platform) -> None:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    launch.start(claim)
    run = launch.run_of(claim.model)
    custom_models.say_progress(run, progress=50, stage="adapting", seconds_left=1)
    _reconciled()
    assert custom_models.fresh(model).progress == 50
    custom_models.leave_artefact(run, jobs.name_of(run))
    platform.set(jobs.name_of(run), "Completed")
    _reconciled()
    assert custom_models.fresh(model).status == "available"
    assert _reconciled()["looked_after"] == 0


def test_a_training_that_is_due_is_started(platform: Platform) -> None:
    model = custom_models.new(retrain_after_minutes=10)
    custom_models.add_audio(model, "one")
    _reconciled()
    _reconciled()
    assert (custom_models.fresh(model).status, len(platform.created)) == ("training", 1)


def test_who_waits_for_a_turn_gets_it_though_the_message_is_lost(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_MAX_TRAININGS_AT_ONCE", "1")
    settings.current.cache_clear()
    made = [custom_models.new() for _ in range(3)]
    for model in made:
        custom_models.add_audio(model, "one")
        launch.start(acoustic_training.begin_training(model.owner, model.customization_id))
    _reconciled(restarted=True)
    assert [custom_models.fresh(model).job_name is not None for model in made] == [True, False, False]
    first = custom_models.fresh(made[0])
    runs.cancelled(AcousticModel, first.owner, first.customization_id, 1)  # and dies before it says so
    _reconciled()
    assert [custom_models.fresh(model).turn is not None for model in made] == [True, True, False]
    assert len(platform.created) == 2
    # A day in the line is no day without a machine.
    waits = custom_models.fresh(made[2])
    recover(waits, datetime.now(UTC) + timedelta(days=2))
    assert custom_models.fresh(waits).status == "training"
    told = training_ends.beginning(first.owner, training_ends.prefix(first.customization_id, 1))
    assert [end.notify_at is not None for end in told] == [True]
    monkeypatch.undo()
    settings.current.cache_clear()


def test_the_trouble_with_one_model_does_not_hold_up_the_others(platform: Platform) -> None:
    training = custom_models.new()
    custom_models.add_audio(training, "one")
    acoustic_training.begin_training(training.owner, training.customization_id)
    platform.error = ("ThrottlingException", "Rate exceeded")
    audio = _lost_upload(custom_models.new(), "one", timedelta(minutes=2))
    answer = reconcile.handle(recorded.load("reconcile"), None)
    assert (answer["looked_after"], answer["failed"]) == (2, 1)
    assert _drain() == [audio_resources.key_of(audio).key]


def test_work_is_bounded(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        _lost_upload(custom_models.new(), "one", timedelta(minutes=2))
    monkeypatch.setattr(reconcile, "_MAX_WORK_S", -1.0)
    assert _reconciled()["looked_after"] == 0
    monkeypatch.undo()
    assert _reconciled()["looked_after"] == 3


def test_models_that_disappear_meanwhile_are_no_failure(platform: Platform) -> None:
    waiting, due = custom_models.new(), custom_models.new(retrain_after_minutes=10)
    _lost_upload(waiting, "one", timedelta(hours=3))
    _lost_upload(waiting, "two", timedelta(hours=3), data=None)
    custom_models.add_audio(due, "one")
    rows = [custom_models.fresh(model) for model in (waiting, due)]
    for row in rows:
        clear_away(row.owner, row.customization_id)
        AcousticModel.get(row.owner, row.customization_id).delete()
    for row in rows:
        reconcile._look_after(row, Happened(messages_lost=True, restarted=True))
    assert list(objects.keys("")) == []
    assert platform.created == []


def test_it_knows_how_often_it_is_called() -> None:
    (clock,) = [one for one in events.functions().values() if isinstance(one, events.ScheduledFunction)]
    assert clock.every_s == reconcile._EVERY_S


def test_what_a_customer_wants_removed_is_removed_at_last() -> None:
    """Of a request that was broken off."""
    upload = uploads.announce("owner", size_bytes=3, sha256="0" * 64, customer_id="somebody")
    objects.put(uploads.key_of(upload), b"abc")
    Erasure("owner", "hash", customer_id="somebody", requested=datetime.now(UTC)).save()
    _reconciled()
    assert uploads.of_owner("owner") == []
    assert not objects.exists(uploads.key_of(upload))
    assert list(Erasure.scan()) == []
