"""A training may have to begin: a place is free, or no more audio comes to a model that trains by itself."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.events.delivery import messages, telemetry
from chalicelib.training import launch

_processor = messages.new_processor()


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Begin what each message of a batch says may be due; needs no record of what was handled."""
    return messages.handle(event, context, _processor, _due)


def _due(record: SQSRecord) -> None:
    message = json.loads(record.body)
    if not isinstance(message, dict):
        raise TypeError("not a message about trainings")
    if "id" in message and launch.train_when_due(
        message["owner"], message["id"], last_look=message.get("look")
    ):
        telemetry.count("TrainingsByThemselves")
    telemetry.count("TrainingsThatWaited", launch.serve_line())
