"""Notifies the callbacks of recognition jobs; `callbacks.deliveries` says how, and how often."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from chalicelib.callbacks import deliveries, failed_deliveries
from chalicelib.callbacks.deliveries import Delivery
from chalicelib.callbacks.failed_deliveries import Failed
from chalicelib.jobs import recognition_jobs
from chalicelib.jobs.statuses import JobEvent
from chalicelib.storage import objects
from chalicelib.storage.tables import RecognitionJob


def announce(job: RecognitionJob, delay_s: float = 0) -> None:
    """Have somebody tell of a job; if that fails, the reconciler does."""
    deliveries.announce(_message(job.owner, job.job_id), delay_s)


def tell(owner: str, job_id: str) -> None:
    """Tell a callback all that is due about a job; comes back by itself after a failure.

    Raises:
        deliveries.BeingTold: somebody else is at it.
    """
    deliveries.tell(of_job(owner, job_id))


def of_job(owner: str, job_id: str) -> Delivery[RecognitionJob]:
    """Return what is to be told of a job."""
    return Delivery(_message(owner, job_id), lambda: recognition_jobs.row(owner, job_id), _post)


def failed(owner: str) -> Iterator[Failed[RecognitionJob]]:
    """Yield what an owner's callbacks could not be told of jobs, oldest job first."""
    for job in RecognitionJob.query(
        owner, filter_condition=RecognitionJob.notify_failures.exists(), consistent_read=True
    ):
        yield from failed_deliveries.of_row(of_job(owner, job.job_id), job)


def _message(owner: str, job_id: str) -> dict[str, Any]:
    return {"owner": owner, "id": job_id}


def _post(job: RecognitionJob, event: str, delivery_id: str) -> bool:
    body = json.dumps({"id": job.job_id, "event": event, "user_token": job.user_token or ""}).encode()
    if event == JobEvent.COMPLETED_WITH_RESULTS:
        try:
            # As they are: read, the results of a long recording take ten times as much memory.
            results = objects.get(recognition_jobs.key_of(job).results_key)
        except objects.ObjectNotFound:
            return True  # deleted just now: there is nobody to tell of
        body = b'%s, "results": %s}' % (body.removesuffix(b"}"), results)
    return deliveries.post(job.owner, job.callback_url or "", body, delivery_id)
