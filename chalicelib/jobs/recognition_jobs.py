"""Recognition jobs: taken in, found, listed, removed, with everything that belongs to them."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import secrets
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib import settings
from chalicelib.jobs import statuses, window
from chalicelib.jobs.statuses import JobEvent, JobStatus
from chalicelib.storage import failures, objects, queues, rounds
from chalicelib.storage.conditional import ConditionFailed, Put, Update, write
from chalicelib.storage.layout import JobKey
from chalicelib.storage.tables import RecognitionJob

_log = logging.getLogger(__name__)

MAX_AUDIO_BYTES = 1024**3
LISTED = 100
DEFAULT_TTL_MINUTES = 7 * 24 * 60
LONGEST_TTL_MINUTES = 366 * 24 * 60
DEFAULT_EVENTS = (JobEvent.STARTED, JobEvent.COMPLETED, JobEvent.FAILED)


class UnknownJob(LookupError):
    """The owner has no such job, or it has expired."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job not found: there is no recognition job '{job_id[:100]}', or it has expired")


class JobProcessing(Exception):
    """The job is being worked on and cannot be deleted."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"The job '{job_id}' is being processed and cannot be deleted. "
            "Delete it when its status is completed or failed."
        )


@dataclass(frozen=True)
class JobCallback:
    """Where to tell of a job, and of what."""

    url: str
    events: Collection[JobEvent]
    user_token: str | None


def new_id() -> str:
    """Return a GUID that sorts by the time of its making (RFC 9562, version 7)."""
    milliseconds = time.time_ns() // 1_000_000
    number = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=number))


def create(
    owner: str,
    job_id: str,
    request: dict[str, Any],
    *,
    results_ttl_minutes: int = DEFAULT_TTL_MINUTES,
    callback: JobCallback | None = None,
    warnings: Sequence[str] = (),
    customer_id: str | None = None,
) -> RecognitionJob:
    """Take a job in whose audio lies in the bucket already, and have it worked on.

    Args:
        owner: of the job.
        job_id: from `new_id`.
        request: what the recognition function is to be asked.
        results_ttl_minutes: how long the results are kept, from their completion on.
        callback: whom to tell; None: nobody.
        warnings: that belong to the results.
        customer_id: label of whose data it is.
    """
    now = datetime.now(UTC)
    job = RecognitionJob(
        owner,
        job_id,
        status=JobStatus.WAITING,
        created=now,
        updated=now,
        request=json.dumps(request),
        warnings=list(warnings),
        results_ttl_minutes=results_ttl_minutes,
        customer_id=customer_id,
    )
    if callback is not None:
        job.callback_url = callback.url
        job.events = statuses.wanted(callback.events)
        job.user_token = callback.user_token
    with contextlib.suppress(ConditionFailed):  # of a new id: a try whose answer was lost did it
        write(Put(job, RecognitionJob.job_id.does_not_exist()))
    try:
        announce(job)
    except failures.FAILURES:
        # The job is taken in: the reconciler announces it again.
        _log.warning("job %s could not be announced", job_id, exc_info=True)
    return job


def announce(job: RecognitionJob, piece: int | None = None) -> None:
    """Have somebody work on a job, or on one piece of it."""
    message: dict[str, Any] = {"owner": job.owner, "id": job.job_id}
    if piece is not None:
        message["piece"] = piece
    queues.send(settings.current().recognition_queue, message)


def announce_again(job: RecognitionJob) -> None:
    """Have somebody do all that is still to be done for a job whose messages may be lost."""
    left = pieces_left(job)
    for piece in window.first(left, settings.current().pieces_at_once):
        announce(job, piece)
    if not left:
        announce(job)


def note_announced(job: RecognitionJob, now: datetime) -> None:
    """Remember that the job's messages were sent again, so that they are not sent again at once."""
    with contextlib.suppress(ConditionFailed):  # it is gone
        write(Update(job, RecognitionJob.job_id.exists(), [RecognitionJob.announced.set(now)]))


def announce_next_piece(job: RecognitionJob) -> None:
    """Let the next piece follow one that was done just now: so many are announced as may be at once."""
    for piece in window.following(pieces_left(job), settings.current().pieces_at_once):
        announce(job, piece)


def pieces_left(job: RecognitionJob) -> list[int]:
    """Return the numbers of the pieces that are not done yet, in order."""
    return sorted(int(piece) for piece in job.pieces_left or ())


def row(owner: str, job_id: str) -> RecognitionJob | None:
    """Return what the table knows of a job, expired or not; None: nothing."""
    try:
        return RecognitionJob.get(owner, job_id, consistent_read=True)
    except RecognitionJob.DoesNotExist:
        return None


def has_row(owner: str, job_id: str) -> bool:
    """Tell whether the table knows of a job, expired or not."""
    return row(owner, job_id) is not None


def find(owner: str, job_id: str) -> RecognitionJob | None:
    """Return a job; None: there is no such one, or it has expired."""
    job = row(owner, job_id)
    return None if job is None or expired(job) else job


def get(owner: str, job_id: str) -> RecognitionJob:
    """Return a job.

    Raises:
        UnknownJob: the owner has no such job, or it has expired.
    """
    job = find(owner, job_id)
    if job is None:
        raise UnknownJob(job_id)
    return job


def latest(owner: str) -> list[RecognitionJob]:
    """Return the owner's latest jobs, newest first."""
    rows = RecognitionJob.query(owner, scan_index_forward=False, page_size=LISTED, consistent_read=True)
    return list(itertools.islice((job for job in rows if not expired(job)), LISTED))


def expired(job: RecognitionJob, now_s: float | None = None) -> bool:
    """Tell whether the job has been over for as long as its results were to be kept."""
    return job.expires is not None and int(job.expires) <= (time.time() if now_s is None else now_s)


def results(job: RecognitionJob) -> list[dict[str, Any]]:
    """Return what a completed job has found, as Watson shows it."""
    found: list[dict[str, Any]] = json.loads(objects.get(key_of(job).results_key))
    return found


def delete(owner: str, job_id: str) -> None:
    """Remove a job that nobody works on.

    Raises:
        UnknownJob: there is no such job.
        JobProcessing: it is being worked on.
    """
    job = get(owner, job_id)
    try:
        write(statuses.deleted(job))
    except ConditionFailed:
        # Gone: a try whose answer was lost did it, or somebody else.
        if has_row(owner, job_id):
            raise JobProcessing(job_id) from None
    clear_away(job)


def needs(owner: str, key: str) -> bool:
    """Tell whether a job of an owner that is not over recognises with the artefact under a key."""
    open_with_it = RecognitionJob.status.is_in(*statuses.OPEN) & RecognitionJob.request.contains(key)
    found = RecognitionJob.query(owner, filter_condition=open_with_it, limit=1, consistent_read=True)
    return next(iter(found), None) is not None


def clear_away(job: RecognitionJob) -> None:
    """Remove the objects of a job whose row is gone; what cannot be removed now goes as an orphan later."""
    try:
        objects.delete_below(key_of(job).prefix)
    except failures.FAILURES:
        _log.warning("could not clear away job %s", job.job_id, exc_info=True)


def erase(owner: str, customer_id: str, until: datetime) -> bool:
    """Remove the labelled jobs that were made before a moment, whatever they are doing; always succeeds.

    Whoever works on such a job finds it gone and keeps nothing.
    """
    for job in RecognitionJob.query(
        owner, filter_condition=RecognitionJob.customer_id == customer_id, consistent_read=True
    ):
        if job.created <= until:
            remove(job)
    return True


def remove(job: RecognitionJob) -> None:
    """Remove a job whatever its status: objects first, so that the row tells of them until they are gone."""
    objects.delete_below(key_of(job).prefix)
    job.delete()


def unsettled(every_s: float) -> Iterator[RecognitionJob]:
    """Yield the jobs of all owners that somebody has to look after, of very many a share; see `rounds`."""
    wanted = RecognitionJob.status.is_in(*statuses.OPEN)
    wanted |= RecognitionJob.expires <= int(time.time())
    wanted |= RecognitionJob.notify_at.exists()
    yield from rounds.this_round(RecognitionJob, wanted, every_s)


def key_of(job: RecognitionJob) -> JobKey:
    """Return where the objects of a job lie."""
    return JobKey(job.owner, job.job_id)
