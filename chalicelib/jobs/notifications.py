"""Tells callbacks what happened to their jobs: at least once, in order per job, for a day if need be.

What is to be told is noted in the job's row, by the same write that changes its status. A message in the
queue only says that there may be something; whoever gets it claims the row for a minute: one tells at a time.
"""

from __future__ import annotations

import json
import logging
import math
import random
import time
from datetime import UTC, datetime, timedelta

from chalicelib import settings
from chalicelib.callbacks import exchange, registrations, signatures
from chalicelib.callbacks.errors import CallbackError
from chalicelib.jobs import recognition_jobs
from chalicelib.jobs.statuses import Event
from chalicelib.storage import failures, objects, queues
from chalicelib.storage.conditional import Action, ConditionFailed, Update, write
from chalicelib.storage.tables import Callback, RecognitionJob

_log = logging.getLogger(__name__)

RETRIED = timedelta(days=1)
"""For so long a callback that does not answer is tried again."""
_LIMIT_S = 10.0
_LEASE_S = 60


class BeingTold(Exception):
    """Somebody else is telling of this job. Try again soon."""


def pending(job: RecognitionJob) -> bool:
    """Tell whether there is something to tell of a job."""
    return job.notify_at is not None


def announce(job: RecognitionJob, delay_s: float = 0) -> None:
    """Have somebody tell of a job; if that fails, the reconciler does."""
    try:
        queues.send(
            settings.current().callback_queue,
            {"owner": job.owner, "id": job.job_id},
            delay_s=min(max(round(delay_s), 0), queues.LONGEST_DELAY_S),
        )
    except failures.FAILURES:
        _log.warning("the callback of job %s will be late", job.job_id, exc_info=True)


def tell(owner: str, job_id: str) -> None:
    """Tell a callback all that is due about a job; comes back by itself after a failure.

    Raises:
        BeingTold: somebody else is at it.
    """
    while (job := recognition_jobs.row(owner, job_id)) is not None and job.notify_at is not None:
        wait_s = float(job.notify_at) - time.time()
        if wait_s > 0.5:
            announce(job, wait_s)
            return
        if not _tell_next(job):
            return


def _tell_next(job: RecognitionJob) -> bool:
    """Tell of one event; False when that has to be tried again later."""
    now_s = int(time.time())
    told = int(job.notified)
    if told >= len(job.notifications):
        return _settle(job, told)
    free = RecognitionJob.notify_lease.does_not_exist() | (RecognitionJob.notify_lease < now_s)
    try:
        write(
            Update(
                job,
                (RecognitionJob.notified == told) & free,
                [
                    RecognitionJob.notify_lease.set(now_s + _LEASE_S),
                    RecognitionJob.notify_since.set(RecognitionJob.notify_since | now_s),
                ],
            )
        )
    except ConditionFailed:
        raise BeingTold(job.job_id) from None
    # Read after the claim, so that a callback that was removed since is not called.
    callback = registrations.find(job.owner, job.callback_url)
    if callback is None:
        _log.info("job %s: its callback is not registered any more", job.job_id)
        return _settle(job, len(job.notifications))
    event = Event(job.notifications[told])
    try:
        _post(job, callback, event)
    except CallbackError as error:
        return _try_again(job, event, told, str(error))
    return _settle(job, told + 1)


def _post(job: RecognitionJob, callback: Callback, event: Event) -> None:
    body = json.dumps({"id": job.job_id, "event": event, "user_token": job.user_token or ""}).encode()
    if event == Event.COMPLETED_WITH_RESULTS:
        try:
            # As they are: read, the results of a long recording take ten times as much memory.
            results = objects.get(recognition_jobs.key_of(job).results_key)
        except objects.ObjectNotFound:
            return  # deleted just now: there is nobody to tell of
        body = b'%s, "results": %s}' % (body.removesuffix(b"}"), results)
    headers = {
        "Content-Type": "application/json",
        **signatures.headers(callback.secret, body, int(time.time())),
    }
    answer = exchange.send("POST", callback.url, headers, body, limit_s=_LIMIT_S)
    if not 200 <= answer.status < 300:
        raise CallbackError(f"it answered with status {answer.status}")


def _try_again(job: RecognitionJob, event: Event, told: int, reason: str) -> bool:
    now = datetime.now(UTC)
    attempts = int(job.notify_attempts or 0) + 1
    if now - datetime.fromtimestamp(float(job.notify_since), UTC) >= RETRIED:
        _log.error("job %s: %s was given up after %d attempts: %s", job.job_id, event, attempts, reason)
        queues.send(
            f"{settings.current().callback_queue}-dead",
            {"owner": job.owner, "id": job.job_id, "event": event, "reason": reason},
        )
        return _settle(job, told + 1)
    delay_s = pause_s(attempts)
    _log.info("job %s: %s again in %d s: %s", job.job_id, event, delay_s, reason)
    write(
        Update(
            job,
            RecognitionJob.notified == told,
            [
                RecognitionJob.notify_attempts.set(attempts),
                RecognitionJob.notify_at.set(math.ceil(now.timestamp() + delay_s)),
                RecognitionJob.notify_lease.remove(),
            ],
        )
    )
    announce(job, delay_s)
    return False


def pause_s(attempts: int) -> float:
    """Return how long to wait after so many attempts: twice as long each time, up to a quarter of an hour."""
    return min(2.0 ** min(attempts, 12), queues.LONGEST_DELAY_S) * random.uniform(0.5, 1.0)


def _settle(job: RecognitionJob, told: int) -> bool:
    """Note that so many events were told of; whether there are more is for the next look at the row."""
    over: list[Action] = [
        RecognitionJob.notified.set(told),
        RecognitionJob.notify_lease.remove(),
        RecognitionJob.notify_attempts.remove(),
        RecognitionJob.notify_since.remove(),
    ]
    unchanged = RecognitionJob.notified == int(job.notified)
    try:
        if told >= len(job.notifications):
            all_told = RecognitionJob.notifications == list(job.notifications)
            write(Update(job, unchanged & all_told, [*over, RecognitionJob.notify_at.remove()]))
        else:
            write(Update(job, unchanged, [*over, RecognitionJob.notify_at.set(int(time.time()))]))
    except ConditionFailed:
        # Another event has come meanwhile, or the job is gone: the row says which.
        try:
            write(Update(job, unchanged, [*over, RecognitionJob.notify_at.set(int(time.time()))]))
        except ConditionFailed:
            return recognition_jobs.row(job.owner, job.job_id) is not None
    return True
