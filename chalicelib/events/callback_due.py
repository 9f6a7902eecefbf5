"""A callback is to be told of a recognition job."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.events import messages
from chalicelib.jobs import notifications

_processor = messages.new_processor()


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Tell of each job that a batch of messages names."""
    return messages.handle(event, context, _processor, _due)


def _due(record: SQSRecord) -> None:
    message = json.loads(record.body)
    notifications.tell(message["owner"], message["id"])
