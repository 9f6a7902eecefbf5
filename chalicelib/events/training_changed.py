"""A training job has come to its end."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.events.delivery import messages, telemetry
from chalicelib.events.delivery.once import once
from chalicelib.training import follow
from chalicelib.training.jobs import TrainingJobStatus

DETAIL_TYPE = "SageMaker Training Job State Change"

_processor = messages.new_processor()


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Promote or reject what each job has made that a batch of EventBridge events names."""
    return messages.handle(event, context, _processor, _change)


def _change(record: SQSRecord) -> None:
    change = json.loads(record.body)
    if change.get("detail-type") != DETAIL_TYPE:
        raise ValueError(f"not a {DETAIL_TYPE}")
    detail = change["detail"]
    if not TrainingJobStatus(detail["TrainingJobStatus"]).over:
        return
    # A job ends once; EventBridge may say so more than once.
    once(
        _ended,
        {"job": detail["TrainingJobArn"], "status": detail["TrainingJobStatus"]},
        name=detail["TrainingJobName"],
    )


def _ended(identity: dict[str, Any], name: str) -> None:
    changed = follow.ended(name)
    telemetry.logger.info("training job ended", extra={**identity, "changed": changed})
    telemetry.count(f"Training{identity['status']}")
