"""EventBridge's bus: what happens in this service, for whoever has made a rule about it."""

from __future__ import annotations

import functools
from typing import Any

import boto3
from botocore.config import Config


class EventRefused(Exception):
    """The bus has not taken an event."""


@functools.cache
def client() -> Any:
    """Return this process's EventBridge client."""
    config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})
    return boto3.client("events", config=config)


def put(bus: str, source: str, detail_type: str, detail: str, resource: str) -> None:
    """Put an event on a bus; `detail` is JSON.

    Raises:
        EventRefused: the bus says no.
        failures.FAILURES: it cannot be reached, or this service may not.
    """
    answer = client().put_events(
        Entries=[
            {
                "EventBusName": bus,
                "Source": source,
                "DetailType": detail_type,
                "Detail": detail,
                "Resources": [resource],
            }
        ]
    )
    if answer["FailedEntryCount"]:
        refused = answer["Entries"][0]
        raise EventRefused(f"{refused.get('ErrorCode')}: {refused.get('ErrorMessage')}")
