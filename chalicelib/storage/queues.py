"""The queues: messages in JSON, by the name of the queue."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY_S = 900
"""SQS holds a message back for no longer."""


@functools.cache
def client() -> SQSClient:
    """Return this process's SQS client."""
    return boto3.client("sqs")


@functools.cache
def url_of(queue: str) -> str:
    """Return the address of a queue of this account."""
    return client().get_queue_url(QueueName=queue)["QueueUrl"]


def send(queue: str, message: Mapping[str, Any], *, delay_s: int = 0) -> None:
    """Put a message into a queue, to be handed out after `delay_s` (at most 900) seconds.

    Owners take turns in a queue: the message's `owner` is its group, which makes SQS's queues fair.
    """
    group: Any = {"MessageGroupId": str(message["owner"])} if message.get("owner") else {}
    client().send_message(
        QueueUrl=url_of(queue), MessageBody=json.dumps(message), DelaySeconds=delay_s, **group
    )


def lengths(queue: str) -> dict[str, int]:
    """Return how many messages of a queue are `waiting`, `at_work` or `held_back` (SQS counts roughly)."""
    answer = client().get_queue_attributes(
        QueueUrl=url_of(queue),
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ],
    )
    counts = answer["Attributes"]
    return {
        "waiting": int(counts["ApproximateNumberOfMessages"]),
        "at_work": int(counts["ApproximateNumberOfMessagesNotVisible"]),
        "held_back": int(counts["ApproximateNumberOfMessagesDelayed"]),
    }


def idle(queue: str) -> bool:
    """Tell whether nothing lies in a queue, is being worked on, or is held back (SQS counts roughly)."""
    return not any(lengths(queue).values())
