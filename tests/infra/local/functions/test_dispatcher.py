from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local import events
from infra.local.functions import dispatcher
from infra.local.functions.dispatcher import Dispatcher
from tests.local.running import RunningStore, running_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running_store(tmp_path_factory.mktemp("queues")) as running:
        yield running


class _Queue:
    """A queue with its dead-letter queue, and a function that takes messages from it."""

    def __init__(self, store: RunningStore, name: str, handler: Callable[[dict[str, Any]], Any]) -> None:
        self.client = store.client("sqs")
        self.dead = self.client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        redrive = {
            "deadLetterTargetArn": f"arn:aws:sqs:us-east-1:000000000000:{name}-dead",
            "maxReceiveCount": 2,
        }
        self.url = self.client.create_queue(
            QueueName=name, Attributes={"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "3600"}
        )["QueueUrl"]
        self.events: list[dict[str, Any]] = []

        def handle(event: dict[str, Any], context: object) -> Any:
            assert isinstance(context, events.Context)
            self.events.append(event)
            return handler(event)

        self.dispatcher = Dispatcher(self.client, events.QueueFunction("f", name, 10, handle))

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def bodies(self, event: int = -1) -> list[str]:
        return [record["body"] for record in self.events[event]["Records"]]

    def counts(self, url: str) -> tuple[int, int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return int(answer[names[0]]), int(answer[names[1]])


def _fail(event: dict[str, Any], *bodies: str) -> dict[str, Any]:
    failed = [record["messageId"] for record in event["Records"] if record["body"] in bodies]
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}


def test_the_event_is_lambdas(store: RunningStore) -> None:
    queue = _Queue(store, "shape", lambda event: None)
    queue.send("hello")
    assert queue.dispatcher.once(wait_s=1) == 1
    record = queue.events[0]["Records"][0]
    assert set(record) == {
        "messageId",
        "receiptHandle",
        "body",
        "attributes",
        "messageAttributes",
        "md5OfBody",
        "eventSource",
        "eventSourceARN",
        "awsRegion",
    }
    assert record["eventSourceARN"] == "arn:aws:sqs:us-east-1:000000000000:shape"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= set(record["attributes"])
    assert queue.counts(queue.url) == (0, 0)


def test_only_what_failed_comes_back_and_then_is_set_aside(
    store: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = _Queue(store, "partial", lambda event: _fail(event, "bad"))
    pauses_s = _hidden_s(queue, monkeypatch, VisibilityTimeout=0)
    queue.send("good", "bad", "fine")
    assert queue.dispatcher.once(wait_s=1) == 3
    assert queue.dispatcher.once(wait_s=5) == 1
    assert queue.bodies() == ["bad"]
    assert queue.events[-1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"
    assert queue.dispatcher.once(wait_s=0) == 0
    assert pauses_s == [2, 4]
    assert queue.counts(queue.url) == (0, 0)
    assert queue.counts(queue.dead) == (1, 0)


def _hidden_s(queue: _Queue, monkeypatch: pytest.MonkeyPatch, **instead: int) -> list[int]:
    """Return for how long messages were hidden, as it was asked for; `instead` is what takes its place."""
    hidden_s: list[int] = []
    change = queue.client.change_message_visibility

    def hide(**asked: Any) -> None:
        change(**asked | instead)
        hidden_s.append(asked["VisibilityTimeout"])

    monkeypatch.setattr(queue.client, "change_message_visibility", hide)
    return hidden_s


@pytest.mark.parametrize(
    "result",
    [{"batchItemFailures": [{"itemIdentifier": ""}]}, {"batchItemFailures": [{"itemIdentifier": "x"}]}],
)
def test_an_unknown_identifier_fails_the_whole_batch(
    store: RunningStore, monkeypatch: pytest.MonkeyPatch, result: dict[str, Any]
) -> None:
    name = f"unknown-{len(result['batchItemFailures'][0]['itemIdentifier'])}"
    queue = _Queue(store, name, lambda event: result)
    pauses_s = _hidden_s(queue, monkeypatch, VisibilityTimeout=3600)
    queue.send("a", "b")
    queue.dispatcher.once(wait_s=1)
    assert queue.counts(queue.url) == (0, 2)
    assert pauses_s == [2, 2]


def test_what_a_function_raises_fails_its_batch_and_not_the_dispatcher(
    store: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(event: dict[str, Any]) -> None:
        raise RuntimeError("boom")

    queue = _Queue(store, "raising", explode)
    pauses_s = _hidden_s(queue, monkeypatch, VisibilityTimeout=3600)
    queue.send("a")
    assert queue.dispatcher.once(wait_s=1) == 1
    assert queue.counts(queue.url) == (0, 1)
    assert pauses_s == [2]


def test_messages_stay_hidden_while_the_function_works(
    store: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.functions.dispatcher._LEASE_S", 60)
    monkeypatch.setattr("infra.local.functions.dispatcher._RENEW_EVERY_S", 0.05)
    seen: list[tuple[int, int]] = []

    def work(event: dict[str, Any]) -> None:
        _wait(lambda: leases_s[:3] == [60] * 3, "three renewals")
        seen.append(queue.counts(queue.url))
        # It is the renewals that decide: one for no time shows the message at once.
        monkeypatch.setattr("infra.local.functions.dispatcher._LEASE_S", 0)
        _wait(lambda: queue.counts(queue.url) == (1, 0), "the message to be seen")

    queue = _Queue(store, "slow", work)
    leases_s = _hidden_s(queue, monkeypatch)
    queue.send("a")
    queue.dispatcher.once(wait_s=1)
    assert seen == [(0, 1)]
    assert queue.counts(queue.url) == (0, 0)


def _wait(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.02)


def test_the_applications_functions_are_found() -> None:
    found = events.functions()
    assert {name for name, one in found.items() if isinstance(one, events.QueueFunction)} == {
        "audio_uploaded",
        "training_progress",
        "training_changed",
        "training_due",
        "recognition_queued",
        "evaluation_due",
        "callback_due",
        "corpus_added",
        "language_training",
    }
    clock = found["reconcile"]
    assert isinstance(clock, events.ScheduledFunction)
    assert clock.every_s == 300


def test_the_clocks_event_says_when_the_service_has_just_started() -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    event = events.scheduled_event("reconcile", at, events.Occasion.RESTARTED)
    assert event["detail"] == {"restarted": True}
    assert event["time"] == "2026-01-31T12:00:00Z"
    assert events.scheduled_event("reconcile", at, events.Occasion.MESSAGES_LOST)["detail"] == {
        "messages_lost": True
    }
    assert events.scheduled_event("reconcile", at)["detail"] == {}


def test_where_messages_were_lost_the_clock_is_called_until_nothing_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("infra.local.functions.dispatcher._BETWEEN_CALLS_S", 0.0)
    details: list[Any] = []

    def reconcile(event: dict[str, Any], _: object) -> dict[str, int]:
        details.append(event["detail"])
        if len(details) == 1:
            raise RuntimeError("the store is away again")
        return {"failed": 1 if len(details) == 2 else 0}

    clock = events.ScheduledFunction("reconcile", 300.0, reconcile)
    dispatcher.call(clock, events.Occasion.MESSAGES_LOST)
    assert details == [{"messages_lost": True}] * 3
    details.clear()
    dispatcher.call(clock, events.Occasion.TIME)
    assert details == [{}], "its next call comes in its time"


def test_a_store_is_as_the_template_says(tmp_path: Path) -> None:
    from infra import resources

    wanted = resources.load()
    with running_store(tmp_path, "--complete") as store:
        s3 = store.client("s3")
        s3.put_object(Bucket=wanted.buckets[0].name, Key="k", Body=b"kept")
        store.restart()  # then it changes nothing
        assert s3.get_object(Bucket=wanted.buckets[0].name, Key="k")["Body"].read() == b"kept"
        client = store.client("sqs")
        for queue in wanted.queues:
            url = client.get_queue_url(QueueName=queue.name)["QueueUrl"]
            attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            assert attributes["VisibilityTimeout"] == str(queue.visibility_timeout_s)
            redrive = json.loads(attributes.get("RedrivePolicy", "{}"))
            assert redrive.get("maxReceiveCount") == queue.max_receives
        tables = store.client("dynamodb")
        for table in wanted.tables:
            keys = tables.describe_table(TableName=table.name)["Table"]["KeySchema"]
            assert [key["AttributeName"] for key in keys] == [
                name for name in (table.hash_key, table.range_key) if name
            ]
            ttl = tables.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
            assert ttl.get("AttributeName") == table.ttl_attribute
