"""Delivers a callback of a recognition job, or the end of a training to those who are to know."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.events.delivery import messages
from chalicelib.jobs import notifications
from chalicelib.training import ends

_processor = messages.new_processor()


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Tell of each job and each end of a training that a batch of messages names."""
    return messages.handle(event, context, _processor, _due)


def _due(record: SQSRecord) -> None:
    message = json.loads(record.body)
    if "end" in message:
        ends.tell(message["owner"], message["end"])
    else:
        notifications.tell(message["owner"], message["id"])
