"""Recognition jobs that wait for somebody: announced again when forgotten, removed when expired."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

from chalicelib import settings
from chalicelib.callbacks import deliveries
from chalicelib.events.delivery import telemetry
from chalicelib.events.reconciling import overdue
from chalicelib.jobs import notifications, recognition_jobs, statuses, work
from chalicelib.storage import queues
from chalicelib.storage.tables import RecognitionJob

NO_CAPACITY = (
    "The service had no capacity for this job for a whole day. Create the job again; if that fails too, "
    "tell the operator of this service."
)
_GIVEN_UP_AFTER = timedelta(days=1)
_MESSAGE_TAKES = timedelta(minutes=1)
_WORK_TAKES = timedelta(hours=2)
"""While messages lie in the queue, a job may just be waiting for its turn."""


def look_after(deadline_s: float, every_s: float, *, messages_lost: bool) -> tuple[int, int]:
    """Look after jobs until a moment of the monotonic clock; return how many that were, and how many failed.

    Args:
        deadline_s: when to stop.
        every_s: how often this is called.
        messages_lost: whatever lay in the queues is gone, what was held back there included.
    """
    jobs = list(recognition_jobs.unsettled(every_s))
    if not jobs:
        return 0, 0
    random.shuffle(jobs)  # whoever is left for the next time, is so by chance
    patience, callback_patience = (
        timedelta(0) if messages_lost else _MESSAGE_TAKES if queues.idle(queue) else _WORK_TAKES
        for queue in (settings.current().recognition_queue, settings.current().callback_queue)
    )
    looked_after = failed = 0
    for job in jobs:
        if time.monotonic() > deadline_s:
            telemetry.logger.warning("more jobs wait than can be looked after", extra={"jobs": len(jobs)})
            break
        try:
            _look_after(job, patience, callback_patience, messages_lost=messages_lost)
        except Exception:  # noqa: BLE001  the trouble with one job must not keep the others waiting
            telemetry.logger.exception("job", extra={"job": job.job_id})
            failed += 1
        looked_after += 1
    return looked_after, failed


def _look_after(
    job: RecognitionJob, patience: timedelta, callback_patience: timedelta, *, messages_lost: bool
) -> None:
    now = datetime.now(UTC)
    late_s = now.timestamp() - float(job.notify_at) if deliveries.pending(job) else 0.0
    overdue.note("callback", timedelta(seconds=late_s))
    if deliveries.pending(job) and (messages_lost or late_s >= callback_patience.total_seconds()):
        notifications.announce(job, -late_s)
    if recognition_jobs.expired(job):
        if not deliveries.pending(job):
            recognition_jobs.remove(job)
        return
    if job.status in statuses.ENDED:
        return
    overdue.note("recognition job", now - job.updated)
    if now - job.updated > _GIVEN_UP_AFTER:
        work.give_up(job, NO_CAPACITY)
    elif now - max(job.updated, job.announced or job.updated) >= patience:
        telemetry.logger.info("announced again", extra={"job": job.job_id})
        recognition_jobs.announce_again(job)
        recognition_jobs.note_announced(job, now)
