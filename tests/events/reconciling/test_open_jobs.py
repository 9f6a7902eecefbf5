"""Jobs that nobody would work on any more are taken up again; those that have expired go."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.events.reconciling import open_jobs
from chalicelib.jobs import notifications, recognition_jobs, statuses
from chalicelib.storage import objects, queues
from chalicelib.storage.conditional import write
from chalicelib.storage.tables import RecognitionJob
from tests.custom_models import OWNER

QUEUE = "attune-recognition-queued"


@pytest.fixture(autouse=True)
def _clients() -> None:
    queues.client.cache_clear()
    queues.url_of.cache_clear()


def _announced() -> list[tuple[str, int | None]]:
    """Take everything out of the queue: which job, and which piece of it."""
    url, found = queues.url_of(QUEUE), []
    while messages := queues.client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            body = json.loads(message["Body"])
            found.append((body["id"], body.get("piece")))
            queues.client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def _forgotten(age: timedelta, *, pieces: int = 0, begun: bool = False) -> RecognitionJob:
    """Make a job whose message was lost."""
    job = recognition_jobs.create(OWNER, recognition_jobs.new_id(), {})
    objects.put(recognition_jobs.key_of(job).audio_key, b"audio")
    _announced()
    then = datetime.now(UTC) - age
    if begun or pieces:
        write(statuses.begun(job, then))
    if pieces:
        write(statuses.cut(job, pieces, 0.0, then))
    job.update(actions=[RecognitionJob.created.set(then), RecognitionJob.updated.set(then)])
    return job


def _reconciled(*, messages_lost: bool = False) -> tuple[int, int]:
    return open_jobs.look_after(time.monotonic() + 60, 300.0, messages_lost=messages_lost)


def test_a_lost_message_is_sent_again() -> None:
    waiting = _forgotten(timedelta(minutes=2))
    begun = _forgotten(timedelta(minutes=2), begun=True)
    pieces = _forgotten(timedelta(minutes=2), pieces=3)
    write(statuses.piece_done(pieces, 1, datetime.now(UTC) - timedelta(minutes=2)))
    recent = _forgotten(timedelta(seconds=5))
    assert _reconciled() == (4, 0)
    assert sorted(_announced(), key=str) == sorted(
        [(waiting.job_id, None), (begun.job_id, None), (pieces.job_id, 0), (pieces.job_id, 2)], key=str
    )
    assert _reconciled(messages_lost=True) == (4, 0)
    assert (recent.job_id, None) in _announced()
    _reconciled()
    assert _announced() == [], "they were sent a moment ago"


def test_while_the_queue_is_full_the_reconciler_is_patient() -> None:
    _forgotten(timedelta(minutes=30), begun=True)
    late = _forgotten(timedelta(hours=3), begun=True)
    queues.send(QUEUE, {"owner": OWNER, "id": "another"})
    _reconciled()
    _reconciled()
    assert sorted(_announced()) == sorted([("another", None), (late.job_id, None)])


def test_callbacks_do_not_wait_for_recognition_to_have_time(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(notifications, "announce", lambda job, delay_s: told.append(job.job_id))
    queues.send(QUEUE, {"owner": OWNER, "id": "another"})
    job = _forgotten(timedelta(minutes=2))
    job.update(actions=[RecognitionJob.notify_at.set(int(time.time()) - 120)])
    _reconciled()
    assert told == [job.job_id]


def test_a_callback_that_was_held_back_in_a_queue_that_was_emptied_is_held_back_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delays_s: list[float] = []
    monkeypatch.setattr(notifications, "announce", lambda _, delay_s: delays_s.append(delay_s))
    job = _forgotten(timedelta(0))
    job.update(actions=[RecognitionJob.notify_at.set(int(time.time()) + 120)])
    _reconciled()
    assert delays_s == []
    _reconciled(messages_lost=True)
    assert delays_s == [pytest.approx(120, abs=5)]


@pytest.mark.parametrize("begun", [False, True])
def test_after_a_day_without_capacity_a_job_fails(*, begun: bool) -> None:
    job = _forgotten(timedelta(hours=25), begun=begun)
    _reconciled()
    row = recognition_jobs.get(OWNER, job.job_id)
    assert (row.status, row.error) == ("failed", open_jobs.NO_CAPACITY)
    assert _announced() == []
    assert list(objects.keys("jobs/")) == []


def test_expired_jobs_go_with_all_they_have() -> None:
    job = _forgotten(timedelta(0), begun=True)
    objects.put(recognition_jobs.key_of(job).results_key, b"[]")
    write(statuses.completed(job, datetime.now(UTC)))
    assert _reconciled() == (0, 0)
    job.update(actions=[RecognitionJob.expires.set(int(time.time()) - 1)])
    assert _reconciled() == (1, 0)
    assert list(RecognitionJob.scan()) == []
    assert list(objects.keys("jobs/")) == []


def test_the_trouble_with_one_job_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    troubled, other = _forgotten(timedelta(minutes=2)), _forgotten(timedelta(minutes=2))
    announce = recognition_jobs.announce

    def announce_but_one(job: RecognitionJob, piece: int | None = None) -> None:
        if job.job_id == troubled.job_id:
            raise ValueError(job.job_id)
        announce(job, piece)

    monkeypatch.setattr(recognition_jobs, "announce", announce_but_one)
    assert _reconciled() == (2, 1)
    assert _announced() == [(other.job_id, None)]


def test_work_is_bounded() -> None:
    _forgotten(timedelta(minutes=2))
    assert open_jobs.look_after(time.monotonic() - 1, 300.0, messages_lost=False) == (0, 0)
