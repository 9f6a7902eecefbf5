"""Tells the queue of training events how jobs ended, in EventBridge's form."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.local.events import eventbridge_event
from infra.local.sagemaker.training_jobs import TrainingJob, TrainingJobs

_LOG = logging.getLogger(__name__)
_RETRY_S = 1.0

Send = Callable[[dict[str, Any]], None]
"""Sends an event; when it returns the event is in the queue."""


class Announcer:
    """Announces each end once; after a kill perhaps again, never not at all."""

    def __init__(self, jobs: TrainingJobs, send: Send) -> None:
        self._jobs = jobs
        self._send = send

    def run(self) -> None:
        """Work for ever, in the calling thread."""
        while True:
            with self._jobs.changed:
                self._jobs.changed.wait_for(lambda: self._next() is not None)
            try:
                self.once()
            except Exception:  # noqa: BLE001  nobody else announces what comes after
                _LOG.warning("the end of a job could not be announced yet", exc_info=True)
                time.sleep(_RETRY_S)

    def once(self) -> None:
        """Announce every end that is not announced yet."""
        while (job := self._next()) is not None:
            self._send(event_of(job))
            self._jobs.mark_announced(job.name)

    def _next(self) -> TrainingJob | None:
        return next((job for job in self._jobs if job.over and not job.announced), None)


def event_of(job: TrainingJob) -> dict[str, Any]:
    """Return EventBridge's event of a job's state; in it times are in milliseconds."""
    tags = {tag["Key"]: tag["Value"] for tag in job.request.get("Tags", [])}
    return eventbridge_event(
        "aws.sagemaker",
        "SageMaker Training Job State Change",
        job.arn,
        {**_milliseconds(job.description()), "Tags": tags},
        datetime.now(UTC),
    )


def _milliseconds(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _milliseconds(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_milliseconds(inner) for inner in value]
    return int(value * 1000) if name.endswith("Time") and isinstance(value, float) else value
