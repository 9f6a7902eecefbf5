"""What callbacks are told, in which order, how often, and for how long."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.callbacks import deliveries, failed_deliveries, registrations
from chalicelib.callbacks.errors import (
    CallbackError,
    ChallengeFailed,
    NotRegistered,
    TooManyRegistrations,
)
from chalicelib.jobs import notifications, recognition_jobs, statuses, work
from chalicelib.jobs.recognition_jobs import JobCallback
from chalicelib.jobs.statuses import JobEvent
from chalicelib.recognition.function import kept_results
from chalicelib.recognition.function.kept_results import Keeping
from chalicelib.recognition.request import backend
from chalicelib.storage import objects, queues
from chalicelib.storage.conditional import write
from chalicelib.storage.tables import RecognitionJob
from tests.custom_models import OWNER
from tests.receiver import Receiver

QUEUE = "attune-callback-due"
RESULTS = {"result_index": 0, "results": []}


@pytest.fixture(autouse=True)
def _account(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    queues.client.cache_clear()
    queues.url_of.cache_clear()
    monkeypatch.setattr(backend, "ask", _recognize)
    yield
    queues.client.cache_clear()
    queues.url_of.cache_clear()


def _recognize(event: dict[str, Any]) -> dict[str, Any]:
    kept_results.keep(Keeping.from_json(event["step"]["keep"]), RESULTS.copy())
    return {"kept": event["step"]["keep"]["key"]}


def _messages(queue: str = QUEUE) -> list[dict[str, str]]:
    url = queues.url_of(queue)
    found = queues.client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in found]


def _job(receiver: Receiver, *events: JobEvent, secret: str | None = None, ttl_minutes: int = 60) -> str:
    registrations.register(OWNER, receiver.url, secret)
    job = recognition_jobs.create(
        OWNER,
        recognition_jobs.new_id(),
        {},
        results_ttl_minutes=ttl_minutes,
        callback=JobCallback(receiver.url, events or recognition_jobs.DEFAULT_EVENTS, "my token"),
    )
    return str(job.job_id)


def _row(job_id: str) -> RecognitionJob:
    row = recognition_jobs.row(OWNER, job_id)
    assert row is not None
    return row


def _let_pass(job_id: str) -> None:
    """Let the pause before the next attempt be over."""
    _row(job_id).update(actions=[RecognitionJob.notify_at.set(int(time.time()))])


def test_a_job_is_told_of_from_its_beginning_to_its_end(receiver: Receiver) -> None:
    job_id = _job(receiver)
    assert work.work(OWNER, job_id, last_attempt=False) == "completed"
    assert {"owner": OWNER, "id": job_id} in _messages()
    notifications.tell(OWNER, job_id)
    assert receiver.of(job_id) == [
        {"id": job_id, "event": "recognitions.started", "user_token": "my token"},
        {"id": job_id, "event": "recognitions.completed", "user_token": "my token"},
    ]
    assert {headers["content-type"] for headers, _ in receiver.told} == {"application/json"}
    assert all("x-callback-signature" not in headers for headers, _ in receiver.told)
    row = _row(job_id)
    assert not {"notify_at", "notify_lease"} & row.serialize().keys()
    notifications.tell(OWNER, job_id)
    assert len(receiver.told) == 2


def test_results_come_along_if_wanted(receiver: Receiver) -> None:
    job_id = _job(receiver, JobEvent.COMPLETED_WITH_RESULTS)
    work.work(OWNER, job_id, last_attempt=False)
    notifications.tell(OWNER, job_id)
    (told,) = receiver.of(job_id)
    assert told["event"] == "recognitions.completed_with_results"
    assert told["results"] == [RESULTS]


def test_what_is_sent_is_signed_twice(receiver: Receiver) -> None:
    job_id = _job(receiver, secret="my secret")
    ((path, headers),) = receiver.challenges
    challenge = path.partition("challenge_string=")[2]
    expected = base64.b64encode(hmac.new(b"my secret", challenge.encode(), hashlib.sha1).digest()).decode()
    assert headers["x-callback-signature"] == expected
    assert headers["accept"] == "text/plain"
    work.work(OWNER, job_id, last_attempt=False)
    notifications.tell(OWNER, job_id)
    for headers, body in receiver.told:
        expected = base64.b64encode(hmac.new(b"my secret", body, hashlib.sha1).digest()).decode()
        assert headers["x-callback-signature"] == expected
        moment, _, dated = headers["x-attune-signature"].removeprefix("t=").partition(",v1=")
        signed = moment.encode() + b"." + body
        assert hmac.new(b"my secret", signed, hashlib.sha256).hexdigest() == dated
        assert abs(int(moment) - time.time()) < 60


def test_a_failure_is_repeated_and_the_order_kept(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "pause_s", lambda attempts: 60)
    job_id = _job(receiver)
    work.work(OWNER, job_id, last_attempt=False)
    receiver.statuses = [500, 302]
    for _ in range(2):
        notifications.tell(OWNER, job_id)
        notifications.tell(OWNER, job_id)  # too early: nothing happens
        assert _row(job_id).notify_at > time.time()
        _let_pass(job_id)
    assert _row(job_id).notify_attempts == 2
    notifications.tell(OWNER, job_id)
    assert receiver.events == [*["recognitions.started"] * 3, "recognitions.completed"]


@pytest.mark.parametrize(("days", "events"), [(2.9, 0), (3, 1)])
def test_three_days_an_event_is_tried(receiver: Receiver, days: float, events: int) -> None:
    job_id = _job(receiver)
    _give_up(receiver, job_id, after_days=days)
    assert len(list(notifications.failed(OWNER))) == events


def _give_up(receiver: Receiver, job_id: str, after_days: float = 3) -> None:
    """Let the first event of a job fail, and once more so many days later."""
    work.work(OWNER, job_id, last_attempt=False)
    receiver.statuses = [500] * 2
    notifications.tell(OWNER, job_id)
    _row(job_id).update(actions=[RecognitionJob.notify_since.set(int(time.time() - after_days * 86_400))])
    _let_pass(job_id)
    notifications.tell(OWNER, job_id)


def test_an_event_that_is_given_up_is_listed_and_the_job_stays(receiver: Receiver) -> None:
    job_id = _job(receiver)
    _give_up(receiver, job_id)
    (dead,) = _messages(f"{QUEUE}-dead")
    assert dead == {
        "owner": OWNER,
        "id": job_id,
        "event": "recognitions.started",
        "reason": "it answered with status 500",
    }
    assert receiver.events[-1] == "recognitions.completed"
    assert recognition_jobs.get(OWNER, job_id).status == "completed"
    (failed,) = notifications.failed(OWNER)
    assert (failed.event, failed.attempts, failed.error) == (
        "recognitions.started",
        2,
        "it answered with status 500",
    )
    assert failed.delivery_id == receiver.told[0][0]["x-attune-delivery"]
    assert list(notifications.failed("another owner")) == []


def test_every_attempt_has_the_id_of_its_event(receiver: Receiver) -> None:
    job_id = _job(receiver)
    _give_up(receiver, job_id)
    other = _job(receiver)
    work.work(OWNER, other, last_attempt=False)
    notifications.tell(OWNER, other)
    ids = [headers["x-attune-delivery"] for headers, _ in receiver.told]
    # Twice the first event in vain, then the second one; two of the other job.
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_what_was_given_up_is_sent_once_more_when_asked(receiver: Receiver) -> None:
    job_id = _job(receiver)
    _give_up(receiver, job_id)
    (failed,) = notifications.failed(OWNER)
    receiver.statuses = [503]
    with pytest.raises(CallbackError, match="status 503"):
        failed_deliveries.resend(failed)
    assert len(list(notifications.failed(OWNER))) == 1
    failed_deliveries.resend(failed)
    assert list(notifications.failed(OWNER)) == []
    headers, body = receiver.told[-1]
    assert headers["x-attune-delivery"] == failed.delivery_id
    assert json.loads(body)["event"] == "recognitions.started"
    registrations.unregister(OWNER, receiver.url)
    with pytest.raises(NotRegistered):
        failed_deliveries.resend(failed)
    recognition_jobs.delete(OWNER, job_id)
    with pytest.raises(failed_deliveries.UnknownDelivery):
        failed_deliveries.resend(failed)


def test_a_secret_is_rotated_without_a_moment_in_which_either_is_wrong(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    registrations.register(OWNER, receiver.url, "old secret")

    def right(*secrets: bytes) -> list[bool]:
        """Tell by which of some secrets the next thing that is sent is signed."""
        deliveries.post(OWNER, receiver.url, b"{}", "id")
        headers, body = receiver.told[-1]
        moment, *signatures = headers["x-attune-signature"].removeprefix("t=").split(",v1=")
        signed = moment.encode() + b"." + body
        watsons = base64.b64encode(hmac.new(secrets[0], body, hashlib.sha1).digest()).decode()
        assert headers["x-callback-signature"] == watsons
        return [hmac.new(one, signed, hashlib.sha256).hexdigest() in signatures for one in secrets]

    assert right(b"old secret") == [True]
    registrations.rotate(OWNER, receiver.url, "new secret", timedelta(hours=1))
    assert right(b"new secret", b"old secret") == [True, True]
    later_s = time.time() + 3601
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: later_s)
        assert right(b"new secret", b"old secret") == [True, False]
    registrations.rotate(OWNER, receiver.url, "newest secret", timedelta(0))
    assert right(b"newest secret", b"new secret", b"old secret") == [True, False, False]
    registrations.unregister(OWNER, receiver.url)
    (row,) = registrations.of_owner(OWNER)
    assert not {"secret", "former_secret", "former_until"} & row.serialize().keys()
    with pytest.raises(NotRegistered):
        registrations.rotate(OWNER, receiver.url, "secret", timedelta(0))


def test_one_tells_at_a_time(receiver: Receiver) -> None:
    job_id = _job(receiver)
    work.work(OWNER, job_id, last_attempt=False)
    row = _row(job_id)
    row.update(actions=[RecognitionJob.notify_lease.set(int(time.time()) + 30)])
    with pytest.raises(deliveries.BeingTold):
        notifications.tell(OWNER, job_id)
    assert receiver.told == []
    row.update(actions=[RecognitionJob.notify_lease.set(int(time.time()) - 1)])
    notifications.tell(OWNER, job_id)
    assert len(receiver.told) == 2


def test_what_comes_while_another_is_told_is_told_next(receiver: Receiver) -> None:
    job_id = _job(receiver)
    write(statuses.begun(_row(job_id), datetime.now(UTC)))
    before = _row(job_id)
    write(statuses.failed(_row(job_id), "reason", datetime.now(UTC)))
    assert deliveries.settle(notifications.of_job(OWNER, job_id), before, 1)
    notifications.tell(OWNER, job_id)
    assert receiver.events == ["recognitions.failed"]


def test_nobody_is_told_who_is_not_registered_any_more(receiver: Receiver) -> None:
    job_id = _job(receiver)
    registrations.unregister(OWNER, receiver.url)
    assert work.work(OWNER, job_id, last_attempt=False) == "completed"
    notifications.tell(OWNER, job_id)
    assert receiver.told == []
    assert _row(job_id).notify_at is None


def test_jobs_that_are_gone_are_not_told_of(receiver: Receiver) -> None:
    job_id = _job(receiver)
    work.work(OWNER, job_id, last_attempt=False)
    recognition_jobs.delete(OWNER, job_id)
    notifications.tell(OWNER, job_id)
    assert receiver.told == []


def test_an_expired_job_is_still_told_of(receiver: Receiver) -> None:
    job_id = _job(receiver, JobEvent.COMPLETED_WITH_RESULTS)
    work.work(OWNER, job_id, last_attempt=False)
    row = _row(job_id)
    assert int(row.removed) - int(row.expires) > 3 * 86_400
    row.update(actions=[RecognitionJob.expires.set(1)])
    assert recognition_jobs.find(OWNER, job_id) is None
    notifications.tell(OWNER, job_id)
    assert [told["results"] for told in receiver.of(job_id)] == [[RESULTS]]


@given(st.integers(1, 10_000))
def test_pauses_grow_up_to_an_hour(attempts: int) -> None:
    assert 1 <= deliveries.pause_s(attempts) <= 3600
    if attempts > 11:
        assert deliveries.pause_s(attempts) >= 1800


def test_a_challenge_that_is_not_met(receiver: Receiver) -> None:
    receiver.meets_challenge = False
    with pytest.raises(ChallengeFailed, match="challenge string"):
        registrations.register(OWNER, receiver.url, None)
    assert registrations.find(OWNER, receiver.url) is None
    receiver.meets_challenge = True
    assert registrations.register(OWNER, f"{receiver.url}?a=1", None)
    assert "?a=1&challenge_string=" in receiver.challenges[-1][0]
    assert not registrations.register(OWNER, f"{receiver.url}?a=1", None)
    assert len(receiver.challenges) == 2


def test_twenty_registrations_an_hour(receiver: Receiver) -> None:
    for number in range(20):
        url = f"{receiver.url}/{number}"
        assert registrations.register(OWNER, url, "secret", "customer")
        if number % 2:
            registrations.unregister(OWNER, url)
    for url in (f"{receiver.url}/20", f"{receiver.url}/1"):
        with pytest.raises(TooManyRegistrations):
            registrations.register(OWNER, url, None)
    assert not registrations.register(OWNER, f"{receiver.url}/0", None), "it is registered already"
    removed = [row for row in registrations.of_owner(OWNER) if row.status == "removed"]
    assert len(removed) == 10
    assert not any({"url", "secret", "customer_id"} & row.serialize().keys() for row in removed)
    assert all(row.expires > time.time() for row in removed)
    assert list(objects.keys("")) == []
