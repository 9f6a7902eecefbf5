"""A model that trains by itself waits until no more audio comes; the newest upload pushes the time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import settings
from chalicelib.customization import custom_models
from chalicelib.customization.acoustic import audio_resources
from chalicelib.events import training_due
from chalicelib.storage import queues
from chalicelib.storage.tables import AcousticModel, AudioResource
from chalicelib.training import launch
from tests import custom_models as made
from tests.sagemaker import Platform

QUEUE = "attune-training-due"
QUIET = timedelta(seconds=120)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ATTUNE_RETRAIN_QUIET_S", str(QUIET.seconds))
    caches = (settings.current, queues.client, queues.url_of)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


class Sent:
    """The messages that were sent, with the seconds for which they are held back; nobody waits for them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages: list[tuple[dict[str, Any], int]] = []
        monkeypatch.setattr(queues, "send", self._send)

    def _send(self, queue: str, message: dict[str, Any], *, delay_s: int = 0) -> None:
        assert queue == QUEUE
        self.messages.append((message, delay_s))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    return Sent(monkeypatch)


@pytest.fixture
def model(platform: Platform) -> AcousticModel:
    return made.new(retrain_after_minutes=10)


def add(model: AcousticModel, name: str, at: datetime) -> None:
    """Add audio whose upload was taken in at a moment."""
    made.add_audio(model, name)
    audio_resources.get(made.fresh(model), name).update(actions=[AudioResource.created.set(at)])


def looked(model: AcousticModel, at: datetime, last_look: int | None = None) -> bool:
    return launch.train_when_due(model.owner, model.customization_id, at, last_look=last_look)


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def seconds(number: float) -> datetime:
    return NOON + timedelta(seconds=number)


def test_a_training_begins_when_no_audio_has_come_for_a_while(model: AcousticModel, sent: Sent) -> None:
    add(model, "one", NOON)
    assert not looked(model, seconds(5))
    ((message, delay_s),) = sent.messages
    assert (message["id"], delay_s) == (model.customization_id, 115)
    assert looked(model, seconds(120), message["look"])
    assert made.fresh(model).status == "training"
    assert made.fresh(model).retrain_look is None


def test_the_newest_upload_pushes_the_time(model: AcousticModel, sent: Sent, platform: Platform) -> None:
    for number in range(5):  # each looks when its analysis has ended
        add(model, f"audio {number}", seconds(20 * number))
        assert not looked(model, seconds(20 * number + 5))
    assert len(sent.messages) == 1, "one message is enough for all of them"
    now, (message, delay_s) = seconds(5), sent.messages[0]
    arrivals = []
    while not looked(model, now := now + timedelta(seconds=delay_s), message["look"]):
        arrivals.append(now)
        message, delay_s = sent.messages[-1]
        assert len(arrivals) < 5
    assert arrivals == [seconds(120)]
    assert now == seconds(80 + 120)
    assert len(platform.created) == 1


def test_a_message_cannot_be_held_back_for_long_and_is_sent_again(
    model: AcousticModel, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_RETRAIN_QUIET_S", "2000")
    settings.current.cache_clear()
    add(model, "one", NOON)
    assert not looked(model, NOON)
    assert not looked(model, seconds(900), sent.messages[-1][0]["look"])
    assert not looked(model, seconds(1800), sent.messages[-1][0]["look"])
    assert [delay_s for _, delay_s in sent.messages] == [900, 900, 200]
    assert looked(model, seconds(2000), sent.messages[-1][0]["look"])


def test_the_function_begins_what_is_due_and_sends_real_messages(
    model: AcousticModel, platform: Platform
) -> None:
    add(model, "one", custom_models.now())
    event = _event({"owner": model.owner, "id": model.customization_id})
    assert training_due.handle(event, None) == {"batchItemFailures": []}
    assert made.fresh(model).status == "ready"
    url = queues.url_of(QUEUE)
    attributes = queues.client().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "1"
    audio_resources.get(made.fresh(model), "one").update(
        actions=[AudioResource.created.set(custom_models.now() - QUIET)]
    )
    look = int(made.fresh(model).retrain_look)
    event = _event({"owner": model.owner, "id": model.customization_id, "look": look})
    assert training_due.handle(event, None) == {"batchItemFailures": []}
    assert (made.fresh(model).status, len(platform.created)) == ("training", 1)
    assert training_due.handle(event, None) == {"batchItemFailures": []}, "twice is no matter"
    assert len(platform.created) == 1


def test_models_that_are_gone_are_no_failure_and_nonsense_is(platform: Platform) -> None:
    gone = {"owner": made.OWNER, "id": "00000000-0000-4000-8000-000000000000", "look": 1}
    assert training_due.handle(_event(gone), None) == {"batchItemFailures": []}
    assert len(training_due.handle(_event([]), None)["batchItemFailures"]) == 1


def _event(message: object) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": "1",
                "receiptHandle": "none",
                "body": json.dumps(message),
                "attributes": {"ApproximateReceiveCount": "1"},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:1:{QUEUE}",
            }
        ]
    }
