"""The event functions of the application and the JSON that Lambda hands to them."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

ACCOUNT = "000000000000"
REGION = "us-east-1"
_UNITS_S = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}

Handler = Callable[[dict[str, Any], object], Any]


@dataclass(frozen=True)
class QueueFunction:
    """A function that is called with messages of a queue."""

    name: str
    queue: str
    batch_size: int
    handler: Handler


@dataclass(frozen=True)
class ScheduledFunction:
    """A function that is called every so often."""

    name: str
    every_s: float
    handler: Handler


class Occasion(StrEnum):
    """Why a function of the clock is called."""

    TIME = "time"
    MESSAGES_LOST = "messages_lost"
    """The store was restarted, and its queues are empty."""
    RESTARTED = "restarted"
    """So was the whole service: nothing that was at work is any longer."""


@dataclass(frozen=True)
class Context:
    """What Lambda tells a function about its call."""

    function_name: str
    tell: Callable[[Any], None] | None = None
    """Sends what is known before the function ends to those who asked for it; AWS has none in Python."""
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024
    timeout_s: float = 900.0
    began_s: float = field(default_factory=time.monotonic)

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """Where Lambda would write the log."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the call may still take."""
        return int(max(0.0, self.timeout_s - (time.monotonic() - self.began_s)) * 1000)


def functions() -> dict[str, QueueFunction | ScheduledFunction]:
    """Return the application's event functions by name.

    Raises:
        ValueError: a schedule is not written as a rate.
    """
    from chalice.app import ScheduledEventConfig, SQSEventConfig

    import app

    found: dict[str, QueueFunction | ScheduledFunction] = {}
    for source in app.app.event_sources:
        handler = getattr(app, source.name)
        if isinstance(source, SQSEventConfig) and source.queue:
            found[source.name] = QueueFunction(source.name, source.queue, source.batch_size, handler)
        elif isinstance(source, ScheduledEventConfig):
            found[source.name] = ScheduledFunction(source.name, _rate_s(source.schedule_expression), handler)
    return found


def _rate_s(expression: object) -> float:
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", str(expression))
    if found is None:
        raise ValueError(f"the schedule {expression} is not a rate, such as 'rate(5 minutes)'")
    return int(found[1]) * _UNITS_S[found[2]]


def queue_event(queue: str, messages: list[MessageTypeDef]) -> dict[str, Any]:
    """Return the event with which Lambda hands over messages that were received with all their attributes."""
    return {"Records": [_record(queue, message) for message in messages]}


def _record(queue: str, message: MessageTypeDef) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        "awsRegion": REGION,
    }


def scheduled_event(name: str, at: datetime, occasion: Occasion = Occasion.TIME) -> dict[str, Any]:
    """Return the event with which EventBridge starts a scheduled function; it tells of another occasion."""
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/attune-{name}"
    detail = {} if occasion is Occasion.TIME else {str(occasion): True}
    return eventbridge_event("aws.events", "Scheduled Event", rule, detail, at)


def eventbridge_event(
    source: str, detail_type: str, resource: str, detail: dict[str, Any], at: datetime
) -> dict[str, Any]:
    """Return what EventBridge hands on of a happening."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [resource],
        "detail": detail,
    }
