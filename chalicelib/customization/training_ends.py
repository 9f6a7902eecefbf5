"""The end of an acoustic training, and who is to know: noted by the write that ends it, never forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chalicelib.customization import statuses
from chalicelib.storage.conditional import Condition, Put
from chalicelib.storage.tables import AcousticModel, TrainingEnd, watson_time

EVENT_BUS = "events"
CALLBACK = "callback"
_KEPT = timedelta(days=30)
"""A callback is tried for three days; what it could not be told can be sent again afterwards."""


class Event(StrEnum):
    """What there is to be told."""

    COMPLETED = "trainings.completed"
    FAILED = "trainings.failed"
    CANCELLED = "trainings.cancelled"


@dataclass(frozen=True)
class End:
    """How a run has ended."""

    event: Event
    status: str
    """Of the model from now on."""
    moment: datetime
    more: Mapping[str, Any] = field(default_factory=dict)
    """What is told beside: figures of the report, or the reason of a failure."""


def notices(model: AcousticModel, end: End) -> list[Put]:
    """Return the rows that tell of the end of a model's current run; the model as it was before."""
    detail = {
        "owner": model.owner,
        "customization_id": model.customization_id,
        "name": model.name,
        "run": int(model.run),
        "upgrade": model.status == statuses.Status.UPGRADING,
        "base_version": model.base_version_of_run,
        "status": end.status,
        "began": None if model.run_started is None else watson_time(model.run_started),
        "ended": watson_time(end.moment),
        **end.more,
    }
    recipients: list[tuple[str, str | None]] = [(EVENT_BUS, None)]
    url = model.run_callback or model.callback_url
    if url:
        recipients.append((CALLBACK, url))
    absent: Condition = TrainingEnd.end_id.does_not_exist()
    return [
        Put(
            TrainingEnd(
                model.owner,
                f"{prefix(model.customization_id, int(model.run))}{recipient}",
                detail=json.dumps(detail, ensure_ascii=False),
                ended=end.moment,
                expires=int((end.moment + _KEPT).timestamp()),
                callback_url=address,
                user_token=model.run_token if address and address == model.run_callback else None,
                notifications=[str(end.event)],
                notify_at=int(end.moment.timestamp()),
            ),
            absent,
        )
        for recipient, address in recipients
    ]


def prefix(customization_id: str, run: int) -> str:
    """Return how the ids of the ends of one run begin."""
    return f"{customization_id}/{run:06d}/"


def given_up(owner: str) -> Iterator[TrainingEnd]:
    """Yield the owner's ends of trainings that a callback could not be told of."""
    wanted: Condition = TrainingEnd.notify_failures.exists() & TrainingEnd.callback_url.exists()
    yield from TrainingEnd.query(owner, filter_condition=wanted, consistent_read=True)


def of_run(owner: str, customization_id: str, run: int) -> list[TrainingEnd]:
    """Return what there is, or was lately, to be told of the end of a run."""
    begins = TrainingEnd.end_id.startswith(prefix(customization_id, run))
    return list(TrainingEnd.query(owner, begins, consistent_read=True))


def find(owner: str, end_id: str) -> TrainingEnd | None:
    """Return a row, or None when it is gone."""
    try:
        return TrainingEnd.get(owner, end_id, consistent_read=True)
    except TrainingEnd.DoesNotExist:
        return None
