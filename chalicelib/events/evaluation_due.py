"""A test set waits to be read, or an evaluation, or a piece of it, to be worked on."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.events.delivery import messages, telemetry

ATTEMPTS = 3
"""What failed that often will not succeed."""

_processor = messages.new_processor()


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Work on what a batch of messages names."""
    return messages.handle(event, context, _processor, _due)


def _due(record: SQSRecord) -> None:
    # Here, because it brings in the audio libraries.
    from chalicelib.evaluation import work

    message = json.loads(record.body)
    last_attempt = messages.receives(record) >= ATTEMPTS
    # Needs no record of what was handled: the rows say what is left to do.
    if "test_set" in message:
        found = work.read(message["owner"], message["test_set"], last_attempt=last_attempt)
        telemetry.logger.info("test set", extra={"test_set": message["test_set"], "status": found})
        if found is not None:
            telemetry.count(f"TestSets{found.capitalize()}")
        return
    status = work.work(
        message["owner"], message["evaluation"], message.get("piece"), last_attempt=last_attempt
    )
    telemetry.logger.info("evaluation", extra={"evaluation": message["evaluation"], "status": status})
    if status is not None:
        telemetry.count(f"Evaluations{status.capitalize()}")
