"""A recognition job, or a piece of one, waits to be worked on."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.events.delivery import messages, telemetry
from chalicelib.jobs import work

ATTEMPTS = 3
"""An engine that failed that often at a job will not succeed at it."""

_processor = messages.new_processor()


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Work on each job that a batch of messages names."""
    return messages.handle(event, context, _processor, _queued)


def _queued(record: SQSRecord) -> None:
    message = json.loads(record.body)
    # Needs no record of what was handled: the job's row says what is left to do.
    status = work.work(
        message["owner"],
        message["id"],
        message.get("piece"),
        last_attempt=messages.receives(record) >= ATTEMPTS,
    )
    telemetry.logger.info("job", extra={"job": message["id"], "status": status})
    if status is not None:
        telemetry.count(f"Jobs{status.capitalize()}")
