"""Who is told of ends of trainings and of analyses: the bus and a callback, each by itself, until it is taken."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib import settings
from chalicelib.callbacks import registrations
from chalicelib.customization import acoustic_models, errors, training_ends
from chalicelib.customization.acoustic import acoustic_training, audio_resources, model_callbacks
from chalicelib.customization.acoustic.acoustic_training import RunCallback
from chalicelib.customization.training_ends import TrainingEvent
from chalicelib.events import callback_due, training_due
from chalicelib.events.reconciling import untold_ends
from chalicelib.storage import event_bus, queues
from chalicelib.storage.layout import RunKey
from chalicelib.storage.tables import AcousticModel, TrainingEnd
from chalicelib.training import cancel, ends, follow, jobs, launch
from tests import custom_models
from tests.receiver import Receiver
from tests.sagemaker import Platform

DUE, TOLD = "attune-training-due", "attune-callback-due"
REPORT = {
    "decision": "adapted",
    "reason": "surer of held-out audio",
    "held_out": {"before": {"mean_posterior": 0.5}, "after": {"mean_posterior": 0.75}},
}


@pytest.fixture(autouse=True)
def _clients(_account: None) -> Iterator[None]:
    caches = (queues.client, queues.url_of, event_bus.client, settings.current)
    for cache in caches:
        cache.cache_clear()
    for queue in (DUE, TOLD):
        taken(queue)
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def bus() -> Iterator[str]:
    """A queue to which a rule sends what this service puts on the default bus; returns its name."""
    client, name = boto3.client("events"), "of-the-rule"
    url = queues.client().create_queue(QueueName=name)["QueueUrl"]
    attributes = queues.client().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    pattern = {"source": ["attune"], "detail-type": ["Attune Training Ended", "Attune Audio Validated"]}
    client.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    client.put_targets(Rule="ends", Targets=[{"Id": "queue", "Arn": attributes["Attributes"]["QueueArn"]}])
    yield name
    client.remove_targets(Rule="ends", Ids=["queue"])
    client.delete_rule(Name="ends")
    queues.client().delete_queue(QueueUrl=url)
    queues.url_of.cache_clear()


def taken(queue: str) -> list[Any]:
    """Take everything out of a queue."""
    url, found = queues.url_of(queue), []
    while messages := queues.client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            queues.client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def handed_over(handler: Any, queue: str) -> list[str]:
    """Give a function all messages of its queue; returns those that it could not deal with."""
    records = [
        {
            "messageId": str(number),
            "receiptHandle": "none",
            "body": json.dumps(message),
            "attributes": {"ApproximateReceiveCount": "1"},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:us-east-1:1:{queue}",
        }
        for number, message in enumerate(taken(queue))
    ]
    if not records:
        return []
    answer = handler.handle({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def training(callback: RunCallback | None = None, **options: Any) -> tuple[AcousticModel, RunKey]:
    model = custom_models.new(**options)
    custom_models.add_audio(model, "one")
    launch.start(acoustic_training.begin_training(model.owner, model.customization_id, callback=callback))
    return custom_models.fresh(model), launch.run_of(custom_models.fresh(model))


def completed(run: RunKey, platform: Platform, report: dict[str, Any] | None = None) -> None:
    data = custom_models.artefact(report_json=report or REPORT)
    custom_models.leave_artefact(run, jobs.name_of(run), data)
    platform.set(jobs.name_of(run), "Completed")
    assert follow.ended(jobs.name_of(run))


def test_a_training_that_is_promoted_is_told_with_its_gain(
    platform: Platform, receiver: Receiver, bus: str
) -> None:
    registrations.register(custom_models.OWNER, receiver.url, "my secret")
    model, run = training(RunCallback(receiver.url, "week 5"))
    completed(run, platform)
    assert handed_over(callback_due, TOLD) == []
    (told,) = receiver.of(run.customization_id)
    row = custom_models.fresh(model)
    expected = {
        "owner": custom_models.OWNER,
        "customization_id": run.customization_id,
        "name": "kitchen",
        "run": 1,
        "upgrade": False,
        "base_version": "en-US_BroadbandModel.v2020-01-16",
        "status": "available",
        "decision": "adapted",
        "reason": "surer of held-out audio",
        "gain": {"mean_posterior": {"before": 0.5, "after": 0.75}},
    }
    assert told | expected == told
    assert (told["event"], told["user_token"]) == ("trainings.completed", "week 5")
    assert told["began"] < told["ended"]
    assert row.status == told["status"]
    assert receiver.told[-1][0]["x-callback-signature"]
    (event,) = taken(bus)
    assert (event["source"], event["detail-type"]) == ("attune", "Attune Training Ended")
    assert event["resources"] == [run.customization_id]
    assert event["detail"] | expected == event["detail"]
    assert event["detail"]["event"] == "trainings.completed"
    assert "user_token" not in event["detail"]
    # An announcement of the same end that comes once more tells nobody anything.
    assert not follow.ended(jobs.name_of(run))
    assert handed_over(callback_due, TOLD) == []
    assert (len(receiver.told), taken(bus)) == (1, [])


@pytest.mark.parametrize(
    ("report", "decision"),
    [
        ({"decision": "base", "reason": "no better"}, "base"),
        ({"decision": "adapted", "reason": "x"}, "adapted"),
    ],
)
def test_a_base_that_is_kept_is_a_completed_training(
    platform: Platform, bus: str, report: dict[str, Any], decision: str
) -> None:
    _, run = training()
    data = custom_models.artefact(report_json=report)
    if decision == "base":
        manifest = {"format": 1, "engine": "sphinx", "base_version": "en-US_BroadbandModel.v2020-01-16"}
        data = custom_models.artefact(
            report_json=report, adapted_npz=None, manifest_json=manifest | {"sha256": {}}
        )
    custom_models.leave_artefact(run, jobs.name_of(run), data)
    platform.set(jobs.name_of(run), "Completed")
    assert follow.ended(jobs.name_of(run))
    handed_over(callback_due, TOLD)
    (event,) = taken(bus)
    told = event["detail"]
    assert (told["event"], told["status"], told["decision"]) == ("trainings.completed", "available", decision)
    assert "gain" not in told


def test_a_failure_and_a_cancellation_are_told(platform: Platform, receiver: Receiver, bus: str) -> None:
    registrations.register(custom_models.OWNER, receiver.url, None)
    _, failing = training(callback_url=receiver.url)
    reason = "No speech was found in the audio. Upload recordings of people talking."
    platform.set(jobs.name_of(failing), "Failed", failure=f"AlgorithmError: {reason}, exit code: 1")
    assert follow.ended(jobs.name_of(failing))
    stopped, cancelled = training(callback_url=receiver.url)
    cancel.request(stopped.owner, stopped.customization_id)
    platform.set(jobs.name_of(cancelled), "Stopped")
    assert follow.ended(jobs.name_of(cancelled))
    assert handed_over(callback_due, TOLD) == []
    (told,) = receiver.of(failing.customization_id)
    assert (told["event"], told["status"], told["error"]) == ("trainings.failed", "failed", reason)
    (told,) = receiver.of(cancelled.customization_id)
    assert (told["event"], told["status"]) == ("trainings.cancelled", "ready")
    assert sorted(event["detail"]["event"] for event in taken(bus)) == [
        "trainings.cancelled",
        "trainings.failed",
    ]


def test_a_callback_of_the_run_comes_before_that_of_the_model(platform: Platform, receiver: Receiver) -> None:
    own = f"{receiver.url}/of-the-run"
    for url in (receiver.url, own):
        registrations.register(custom_models.OWNER, url, None)
    _, run = training(RunCallback(own), callback_url=receiver.url)
    ends.failed(run, "no reason")
    told = {
        end.callback_url
        for end in training_ends.beginning(run.owner, training_ends.prefix(run.customization_id, run.run))
    }
    assert told == {own, None}


def test_a_callback_that_fails_holds_up_neither_the_bus_nor_itself_for_ever(
    platform: Platform, receiver: Receiver, bus: str
) -> None:
    registrations.register(custom_models.OWNER, receiver.url, None)
    _, run = training(callback_url=receiver.url)
    receiver.statuses = [503]
    ends.failed(run, "no reason")
    handed_over(callback_due, TOLD)
    assert len(taken(bus)) == 1
    (row,) = (end for end in _rows(run) if end.callback_url)
    assert (row.notify_attempts, len(receiver.told)) == (1, 1)
    assert all(end.notify_at is None for end in _rows(run) if not end.callback_url)
    row.update(actions=[TrainingEnd.notify_at.set(int(time.time()))])
    ends.tell(row.owner, row.end_id)
    assert receiver.events == ["trainings.failed"] * 2
    assert all(end.notify_at is None for end in _rows(run))


def test_a_bus_that_does_not_take_it_is_tried_again(
    platform: Platform, bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run = training()
    with monkeypatch.context() as patched:
        patched.setattr(event_bus, "put", _refusing)
        ends.failed(run, "no reason")
        handed_over(callback_due, TOLD)
    (row,) = _rows(run)
    assert row.notify_attempts == 1
    row.update(actions=[TrainingEnd.notify_at.set(int(time.time()))])
    ends.tell(row.owner, row.end_id)
    assert len(taken(bus)) == 1


def _refusing(*_: object) -> None:
    raise event_bus.EventRefused("ThrottlingException: slow down")


def test_who_was_unregistered_or_erased_is_not_told(platform: Platform, receiver: Receiver) -> None:
    registrations.register(custom_models.OWNER, receiver.url, None)
    model, run = training(callback_url=receiver.url)
    registrations.unregister(custom_models.OWNER, receiver.url)
    ends.failed(run, "no reason")
    handed_over(callback_due, TOLD)
    assert receiver.told == []
    assert all(end.notify_at is None for end in _rows(run))
    ends.tell(model.owner, "gone")  # no failure


def test_messages_that_were_lost_are_sent_again(platform: Platform, receiver: Receiver) -> None:
    registrations.register(custom_models.OWNER, receiver.url, None)
    _, run = training(callback_url=receiver.url)
    ends.failed(run, "no reason")
    taken(TOLD)
    untold_ends.look_after(300.0, messages_lost=False)
    assert taken(TOLD) == [], "the message may still come"
    assert untold_ends.look_after(300.0, messages_lost=True) >= 2
    assert handed_over(callback_due, TOLD) == []
    assert [told["event"] for told in receiver.of(run.customization_id)] == ["trainings.failed"]
    assert not [end for end in _rows(run) if end.notify_at is not None]


def test_the_end_of_one_has_the_next_begin(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    for row in AcousticModel.scan(AcousticModel.status == "training"):
        ends.cancelled(launch.run_of(row))  # of other tests
    taken(DUE)
    monkeypatch.setenv("ATTUNE_MAX_TRAININGS_AT_ONCE", "1")
    settings.current.cache_clear()
    first, run = training()
    second, third = training()[0], training()[0]
    assert [request["Tags"][2]["Value"] for request in platform.created] == [first.customization_id]
    assert second.stage == "waiting for its turn to train"
    assert not second.turn and not second.job_name
    completed(run, platform)
    assert taken(DUE) == [{}]
    queues.send(DUE, {})
    queues.send(DUE, {})  # twice, or late: no matter
    assert handed_over(training_due, DUE) == []
    assert custom_models.fresh(second).job_name == jobs.name_of(launch.run_of(second))
    assert len(platform.created) == 2
    cancel.request(third.owner, third.customization_id)
    assert custom_models.fresh(third).status == "ready"
    ends.failed(launch.run_of(second), "no reason")
    assert taken(DUE) == [], "nobody waits, so nobody is woken"


def _rows(run: RunKey) -> list[TrainingEnd]:
    return training_ends.beginning(run.owner, training_ends.prefix(run.customization_id, run.run))


def test_a_retraining_says_so_and_what_it_has_brought(
    platform: Platform, receiver: Receiver, bus: str
) -> None:
    registrations.register(custom_models.OWNER, receiver.url, None)
    model, first = training(callback_url=receiver.url)
    completed(first, platform)
    custom_models.add_audio(model, "two")
    launch.start(acoustic_training.begin_training(model.owner, model.customization_id))
    completed(launch.run_of(custom_models.fresh(model)), platform)
    handed_over(callback_due, TOLD)
    told = receiver.of(model.customization_id)
    assert [(one["run"], one["version"], one["retraining"]) for one in told] == [(1, 1, False), (2, 2, True)]
    assert told[1]["versions_removed"] == []
    assert told[1]["result"] == (
        "What was learned is used. Of words in audio that it did not learn from, the model is 75 % sure; the "
        "base model was 50 % sure."
    )
    assert [event["detail"]["retraining"] for event in taken(bus)] == [False, True]


def test_a_callback_is_told_of_what_it_wants_only(platform: Platform, receiver: Receiver) -> None:
    registrations.register(custom_models.OWNER, receiver.url, None)
    model, run = training()
    model_callbacks.set_callback(
        custom_models.fresh(model), receiver.url, [TrainingEvent.VALIDATED, TrainingEvent.FAILED]
    )
    completed(run, platform)
    handed_over(callback_due, TOLD)
    assert receiver.told == []
    custom_models.add_audio(model, "two")
    launch.start(acoustic_training.begin_training(model.owner, model.customization_id))
    ends.failed(launch.run_of(custom_models.fresh(model)), "no reason")
    handed_over(callback_due, TOLD)
    assert receiver.events == ["trainings.failed"]
    model_callbacks.remove(custom_models.fresh(model))
    launch.start(acoustic_training.begin_training(model.owner, model.customization_id))
    ends.failed(launch.run_of(custom_models.fresh(model)), "no reason")
    handed_over(callback_due, TOLD)
    assert receiver.events == ["trainings.failed"]


def test_a_callback_of_a_model_that_is_gone_does_not_bring_it_back() -> None:
    model = custom_models.new()
    acoustic_models.delete(model.owner, model.customization_id)
    with pytest.raises(errors.UnknownCustomModel):
        model_callbacks.set_callback(model, "https://example.com/results", [TrainingEvent.FAILED])
    assert acoustic_models.find(model.owner, model.customization_id) is None


def validated(model: AcousticModel) -> list[TrainingEnd]:
    return training_ends.beginning(model.owner, f"{model.customization_id}/validated/")


def test_that_audio_was_validated_is_told_once_of_all_that_was_uploaded_together(
    receiver: Receiver, bus: str
) -> None:
    registrations.register(custom_models.OWNER, receiver.url, "my secret")
    model = custom_models.new(callback_url=receiver.url)
    model_callbacks.set_callback(model, receiver.url, [TrainingEvent.VALIDATED])
    uploads = [custom_models.upload(model, name) for name in ("one", "two", "three")]
    for upload, valid in zip(uploads, (True, True, False), strict=True):
        custom_models.analysed(upload, valid=valid)
        ends.validated(model.owner, model.customization_id, upload.row.upload_id)
        ends.validated(model.owner, model.customization_id, upload.row.upload_id)  # said again
    assert handed_over(callback_due, TOLD) == []
    (told,) = receiver.of(model.customization_id)
    expected = {
        "owner": custom_models.OWNER,
        "customization_id": model.customization_id,
        "name": "kitchen",
        "audio_name": "three",
        "valid": 2,
        "invalid": 1,
        "status": "ready",
        "ended": told["ended"],
    }
    assert told == {"id": model.customization_id, "event": "audio.validated", "user_token": "", **expected}
    assert receiver.told[-1][0]["x-callback-signature"]
    (event,) = taken(bus)
    assert (event["source"], event["detail-type"]) == ("attune", "Attune Audio Validated")
    assert event["detail"] == {"event": "audio.validated", **expected}
    assert all(end.notify_at is None for end in validated(model))


def test_without_valid_audio_a_model_is_pending_and_only_the_bus_is_told(
    receiver: Receiver, bus: str
) -> None:
    registrations.register(custom_models.OWNER, receiver.url, None)
    model = custom_models.new(callback_url=receiver.url)
    upload = custom_models.add_audio(model, "broken", valid=False)
    ends.validated(model.owner, model.customization_id, upload.row.upload_id)
    handed_over(callback_due, TOLD)
    (event,) = taken(bus)
    assert event["detail"]["status"] == "pending"
    assert (event["detail"]["valid"], event["detail"]["invalid"]) == (0, 1)
    assert receiver.told == [], "a callback is told of trainings, unless it wants more"


def test_uploads_are_counted_anew_once_none_is_looked_at(receiver: Receiver, bus: str) -> None:
    model = custom_models.new()
    first, second = (custom_models.upload(model, name) for name in ("one", "two"))
    custom_models.analysed(first, valid=False)
    row = custom_models.fresh(model)
    assert (row.analysed_valid or 0, row.analysed_invalid, row.analysing) == (0, 1, {second.row.upload_id})
    audio_resources.remove(row, "two")  # nothing is told
    third = custom_models.add_audio(model, "three")
    ends.validated(model.owner, model.customization_id, third.row.upload_id)
    handed_over(callback_due, TOLD)
    (event,) = taken(bus)
    assert (event["detail"]["valid"], event["detail"]["invalid"]) == (1, 0)
    row = custom_models.fresh(model)
    assert not row.analysed_valid and not row.analysed_invalid


def test_what_nobody_was_told_of_an_analysis_is_told_later(receiver: Receiver) -> None:
    registrations.register(custom_models.OWNER, receiver.url, None)
    model = custom_models.new()
    model_callbacks.set_callback(model, receiver.url, list(TrainingEvent))
    custom_models.add_audio(model, "one")  # and whoever analysed it died
    untold_ends.look_after(300.0, messages_lost=True)
    assert handed_over(callback_due, TOLD) == []
    assert [told["event"] for told in receiver.of(model.customization_id)] == ["audio.validated"]


def test_an_upload_that_is_taken_back_may_be_the_last_that_was_waited_for() -> None:
    model = custom_models.new()
    one, other = custom_models.upload(model, "one"), custom_models.upload(model, "other", None)
    custom_models.analysed(one)
    assert validated(model) == []
    audio_resources.withdraw(other)
    (end,) = validated(model)
    assert json.loads(end.detail)["status"] == "ready"
