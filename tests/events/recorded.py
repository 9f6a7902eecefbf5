"""Events as AWS sends them, recorded as JSON, about objects and jobs of the test at hand."""

from __future__ import annotations

import copy
import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.storage.layout import AudioKey, JobKey, RunKey, UploadKey

AUDIO = AudioKey(
    "6b1f2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c",
    "0f3c5b7a-9d1e-4c2b-8a6f-1e2d3c4b5a69",
    "e3b0c44298fc1c149afbf4c8996fb924",
    "5f0c1d2e3a4b5c6d7e8f9a0b1c2d3e4f",
)
"""The upload that the recordings are about."""
JOB_ID = "019cf7a1-2b3c-7d4e-8f5a-6b7c8d9e0f1a"
"""The recognition job that the recordings are about; it belongs to the same owner."""
TIME = "2026-03-16T18:59:25.592Z"
SEQUENCER = ("0055AED6DCD90281E5", "0065F5EC1D8A3B7C11")


def load(
    name: str,
    *,
    audio: UploadKey | None = None,
    run: RunKey | None = None,
    job: JobKey | None = None,
    at: datetime | None = None,
    receives: int = 1,
) -> dict[str, Any]:
    """Return a recorded event; given an upload, a run or a job, about that, otherwise as it was recorded."""
    text = (Path(__file__).parent / f"{name}.json").read_text()
    if audio is not None:
        text = text.replace(AUDIO.key.removeprefix(AUDIO.PREFIX), audio.key.removeprefix(audio.PREFIX))
    if run is not None:
        text = text.replace(AUDIO.owner, run.owner).replace(AUDIO.customization_id, run.customization_id)
        text = text.replace("000001", f"{run.run:06d}")
    if job is not None:
        text = text.replace(AUDIO.owner, job.owner).replace(JOB_ID, job.job_id)
    if audio is not None or at is not None:
        moment = (at or datetime.now(UTC)).astimezone(UTC)
        text = text.replace(TIME, moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    event: dict[str, Any] = json.loads(text)
    for record in event.get("Records", ()):
        record["attributes"]["ApproximateReceiveCount"] = str(receives)
    return event


def again(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event as a second announcement of the same thing: other message, other sequencer."""
    text = json.dumps(event)
    for sequencer in SEQUENCER:
        text = text.replace(sequencer, uuid.uuid4().hex.upper())
    repeated: dict[str, Any] = json.loads(text)
    for record in repeated["Records"]:
        record["messageId"] = str(uuid.uuid4())
    return repeated


def from_queue(queue: str, event: dict[str, Any]) -> dict[str, Any]:
    """Return the event as if its messages had come out of another queue."""
    moved = copy.deepcopy(event)
    for record in moved["Records"]:
        record["eventSourceARN"] = f"{record['eventSourceARN'].rpartition(':')[0]}:{queue}"
    return moved


def together(*events: dict[str, Any]) -> dict[str, Any]:
    """Return one batch with the messages of several events."""
    batch = copy.deepcopy([record for event in events for record in event["Records"]])
    for number, record in enumerate(batch):
        record["messageId"] = f"message-{number}"
    return {"Records": batch}


def failed(answer: dict[str, Any]) -> list[str]:
    """Return the ids of the messages that a function reports as failed."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
