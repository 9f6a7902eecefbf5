from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends

from chalicelib.events.delivery import lease, messages
from tests.events import recorded

QUEUE = "attune-audio-uploaded"


def _received(*bodies: str) -> dict[str, Any]:
    """Return the event for messages that really are in the queue, as Lambda's poller makes it."""
    url = messages.url_of(QUEUE)
    for body in bodies:
        messages.client().send_message(QueueUrl=url, MessageBody=body)
    answer = messages.client().receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )
    template = json.dumps(recorded.load("s3_test_event")["Records"][0])
    records = []
    for message in answer["Messages"]:
        record = json.loads(template) | {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
        }
        records.append(record)
    return {"Records": records}


def _hidden_until_s(message_id: str) -> float:
    queue = sqs_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].queues[QUEUE]
    (message,) = (message for message in queue._messages if message.id == message_id)
    return float(message.visible_at) / 1000


def _refuse_odd(record: SQSRecord) -> None:
    if record.body.startswith("odd"):
        raise ValueError(record.body)


@pytest.fixture(autouse=True)
def _empty_queue() -> None:
    messages.client.cache_clear()
    messages.url_of.cache_clear()
    messages.client().purge_queue(QueueUrl=messages.url_of(QUEUE))


def test_what_fails_is_reported_and_comes_again_soon() -> None:
    event = _received("odd 1", "even 2", "odd 3")
    bodies = {record["messageId"]: record["body"] for record in event["Records"]}
    begun_s = time.time()
    answer = messages.handle(event, None, messages.new_processor(), _refuse_odd)
    ended_s = time.time()
    failed = recorded.failed(answer)
    assert sorted(bodies[message_id] for message_id in failed) == ["odd 1", "odd 3"]
    for message_id, body in bodies.items():
        hidden_until_s = _hidden_until_s(message_id)
        if body.startswith("odd"):
            assert begun_s + 5 < hidden_until_s <= ended_s + 10
        else:
            assert hidden_until_s > begun_s + 3000, "the poller deletes it"


def test_a_whole_batch_may_fail() -> None:
    event = _received("odd")
    answer = messages.handle(event, None, messages.new_processor(), _refuse_odd)
    assert recorded.failed(answer) == [event["Records"][0]["messageId"]]


def test_a_processor_forgets_the_last_batch() -> None:
    processor = messages.new_processor()
    messages.handle(_received("odd"), None, processor, _refuse_odd)
    assert messages.handle(_received("even"), None, processor, _refuse_odd) == {"batchItemFailures": []}


def test_a_message_that_cannot_be_hurried_is_reported_all_the_same() -> None:
    event = recorded.load("s3_test_event")
    event["Records"][0]["body"] = "odd"
    answer = messages.handle(event, None, messages.new_processor(), _refuse_odd)
    assert len(recorded.failed(answer)) == 1


def test_what_is_worked_on_comes_back_soon_when_its_function_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its queue hides it for over an hour; while it is worked on, again and again for a minute."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "attune-audio-uploaded")
    monkeypatch.setattr(lease, "RENEW_EVERY_S", 0.05)
    event = _received("even")
    (message,) = event["Records"]

    def hidden_for_the_lease() -> bool:
        return lease.LEASE_S - 5 < _hidden_until_s(message["messageId"]) - time.time() <= lease.LEASE_S

    def work(record: SQSRecord) -> None:
        assert hidden_for_the_lease()
        messages.client().change_message_visibility(
            QueueUrl=messages.url_of(QUEUE), ReceiptHandle=message["receiptHandle"], VisibilityTimeout=7
        )
        until_s = time.monotonic() + 60
        while not hidden_for_the_lease():
            assert time.monotonic() < until_s, "the lease is not renewed"
            time.sleep(0.01)

    assert messages.handle(event, None, messages.new_processor(), work) == {"batchItemFailures": []}
    assert lease.LEASE_S <= 120
    threads = [thread.name for thread in threading.enumerate()]
    assert "lease" not in threads, "Lambda would freeze it with a call under way"


def test_what_fails_comes_again_sooner_than_what_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "attune-audio-uploaded")
    event = _received("odd")
    messages.handle(event, None, messages.new_processor(), _refuse_odd)
    assert _hidden_until_s(event["Records"][0]["messageId"]) <= time.time() + 10
