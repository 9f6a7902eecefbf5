"""S3's announcements of created objects: read, and repeated when one was lost."""

from __future__ import annotations

import json
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib import settings


@dataclass(frozen=True)
class Announcement:
    """An object has been created."""

    key: str
    sequencer: str
    """Tells announcements of the same key apart: a second upload, or the same one announced again."""
    at: datetime


def read(body: str) -> Iterator[Announcement]:
    """Yield what a message of S3 announces; nothing for its test event, and for events of other kinds.

    Raises:
        ValueError: the message does not come from S3.
    """
    message = json.loads(body)
    if not isinstance(message, dict) or not ({"Records", "Event"} & message.keys()):
        raise ValueError("not an event of S3")
    for record in message.get("Records", ()):  # there are none in a s3:TestEvent
        if record["eventName"].startswith("ObjectCreated:"):
            stored = record["s3"]["object"]
            yield Announcement(
                # Keys are encoded as in forms: a blank is a plus sign.
                key=urllib.parse.unquote_plus(stored["key"]),
                sequencer=stored.get("sequencer", ""),
                at=datetime.fromisoformat(record["eventTime"]).astimezone(UTC),
            )


def write(key: str, at: datetime) -> str:
    """Return a message that announces an object as S3 would; its sequencer is new, so that it counts anew."""
    record: dict[str, Any] = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "reconcile",
            "bucket": {"name": settings.current().bucket},
            "object": {"key": urllib.parse.quote_plus(key, safe="/"), "sequencer": uuid.uuid4().hex.upper()},
        },
    }
    return json.dumps({"Records": [record]})
