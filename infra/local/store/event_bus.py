"""EventBridge on one machine: what is put on the bus is written down, one event a line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.events import eventbridge_event
from infra.local.store.tables import Answer

TARGET_PREFIX = "AWSEvents."
FILE_NAME = "events.jsonl"
MOST_BYTES = 16 * 1024**2
"""Then the file begins anew; the one before it stays as `events.1.jsonl`."""
_MOST_ENTRIES = 10
_REQUIRED = ("Source", "DetailType", "Detail")


class EventBus:
    """The bus, whatever its name. An event that was acknowledged is on the disk."""

    def __init__(self, folder: Path) -> None:
        """Write into a folder."""
        self._path = folder / FILE_NAME

    def handle(self, action: str, body: bytes) -> Answer:
        """Answer one request of EventBridge's JSON protocol; PutEvents is all that there is.

        Raises:
            OSError: the disk has refused the events; none was acknowledged.
        """
        if action != "PutEvents":
            return _answer(
                400, {"__type": "UnknownOperationException", "message": f"{action} is not served."}
            )
        entries = json.loads(body).get("Entries", [])
        if not 1 <= len(entries) <= _MOST_ENTRIES:
            message = f"There must be 1 to {_MOST_ENTRIES} entries, not {len(entries)}."
            return _answer(400, {"__type": "ValidationException", "message": message})
        events = [_event(entry) for entry in entries]
        self._append([event for event in events if "ErrorCode" not in event])
        told = [
            event if "ErrorCode" in event else {"EventId": event["id"]}  # as EventBridge names them
            for event in events
        ]
        failed = sum("ErrorCode" in event for event in events)
        return _answer(200, {"FailedEntryCount": failed, "Entries": told})

    def _append(self, events: list[dict[str, Any]]) -> None:
        lines = b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events)
        if self._path.exists() and self._path.stat().st_size + len(lines) > MOST_BYTES:
            self._path.replace(self._path.with_suffix(".1.jsonl"))
        with self._path.open("ab") as file:
            begin = file.tell()
            try:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), begin)  # no half line stays before the next one
                raise


def _event(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as rules would see it, or what is wrong with an entry."""
    for name in _REQUIRED:
        if not entry.get(name):
            message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": message}
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    event = eventbridge_event(entry["Source"], entry["DetailType"], "", detail, datetime.now(UTC))
    return event | {"resources": list(entry.get("Resources", []))}


def _answer(status: int, document: Mapping[str, Any]) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()
