"""Ends of acoustic trainings and of analyses: the write that ends them also notes who is to be told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chalicelib.customization import statuses
from chalicelib.storage.conditional import Condition, Put
from chalicelib.storage.tables import AcousticModel, AudioResource, TrainingEnd, watson_time

EVENT_BUS = "events"
CALLBACK = "callback"
_KEPT = timedelta(days=30)
"""A callback is tried for three days; what it could not be told can be sent again afterwards."""


class TrainingEvent(StrEnum):
    """What there is to be told."""

    VALIDATED = "audio.validated"
    """All audio that was uploaded to a model has been analysed."""
    COMPLETED = "trainings.completed"
    FAILED = "trainings.failed"
    CANCELLED = "trainings.cancelled"


OF_RUNS = (TrainingEvent.COMPLETED, TrainingEvent.FAILED, TrainingEvent.CANCELLED)


@dataclass(frozen=True)
class RunEnd:
    """How a run has ended."""

    event: TrainingEvent
    status: str
    """Of the model from now on."""
    moment: datetime
    more: Mapping[str, Any] = field(default_factory=dict)
    """What is told beside: figures of the report, or the reason of a failure."""


def wanted_by_callback(model: AcousticModel) -> tuple[TrainingEvent, ...]:
    """Return what the callback of a model is told of."""
    return tuple(map(TrainingEvent, model.callback_events)) if model.callback_events else OF_RUNS


def notices(model: AcousticModel, end: RunEnd) -> list[Put]:
    """Return the rows that tell of the end of a model's current run; the model as it was before."""
    detail = {
        **_about(model),
        "run": int(model.run),
        "upgrade": model.status == statuses.ModelStatus.UPGRADING,
        "base_version": model.base_version_of_run,
        "status": end.status,
        "began": None if model.run_started is None else watson_time(model.run_started),
        "ended": watson_time(end.moment),
        **end.more,
    }
    begins = prefix(model.customization_id, int(model.run))
    if not model.run_callback:
        return _rows(model, begins, end, detail)
    return [
        _row(model, f"{begins}{EVENT_BUS}", end, detail),
        _row(model, f"{begins}{CALLBACK}", end, detail, address=model.run_callback, token=model.run_token),
    ]


def validated(
    model: AcousticModel, audio: AudioResource, *, valid: bool, any_valid: bool, moment: datetime
) -> list[Put]:
    """Return the rows that tell that a model's audio has been analysed, that of this resource as the last.

    `valid` is this resource, `any_valid` any of the model.
    """
    status = statuses.ModelStatus.READY if any_valid else statuses.ModelStatus.PENDING
    end = RunEnd(TrainingEvent.VALIDATED, status, moment)
    detail = {
        **_about(model),
        "audio_name": audio.audio_name,
        "valid": int(model.analysed_valid or 0) + valid,
        "invalid": int(model.analysed_invalid or 0) + (not valid),
        "status": str(status),
        "ended": watson_time(moment),
    }
    return _rows(model, prefix_of_analysis(model.customization_id, audio.upload_id), end, detail)


def _about(model: AcousticModel) -> dict[str, Any]:
    return {"owner": model.owner, "customization_id": model.customization_id, "name": model.name}


def _rows(model: AcousticModel, begins: str, end: RunEnd, detail: Mapping[str, Any]) -> list[Put]:
    """Return the rows for the event bus, and for the model's callback if it wants to know."""
    rows = [_row(model, f"{begins}{EVENT_BUS}", end, detail)]
    if model.callback_url and end.event in wanted_by_callback(model):
        rows.append(_row(model, f"{begins}{CALLBACK}", end, detail, address=model.callback_url))
    return rows


def _row(
    model: AcousticModel,
    end_id: str,
    end: RunEnd,
    detail: Mapping[str, Any],
    *,
    address: str | None = None,
    token: str | None = None,
) -> Put:
    absent: Condition = TrainingEnd.end_id.does_not_exist()
    return Put(
        TrainingEnd(
            model.owner,
            end_id,
            detail=json.dumps(detail, ensure_ascii=False),
            ended=end.moment,
            expires=int((end.moment + _KEPT).timestamp()),
            callback_url=address,
            user_token=token,
            notifications=[str(end.event)],
            notify_at=int(end.moment.timestamp()),
        ),
        absent,
    )


def prefix(customization_id: str, run: int) -> str:
    """Return how the ids of the ends of one run begin."""
    return f"{customization_id}/{run:06d}/"


def prefix_of_analysis(customization_id: str, upload_id: str) -> str:
    """Return how the ids begin that tell that the analysis of an upload was the last one."""
    return f"{customization_id}/validated/{upload_id}/"


def given_up(owner: str) -> Iterator[TrainingEnd]:
    """Yield the owner's ends of trainings that a callback could not be told of."""
    wanted: Condition = TrainingEnd.notify_failures.exists() & TrainingEnd.callback_url.exists()
    yield from TrainingEnd.query(owner, filter_condition=wanted, consistent_read=True)


def beginning(owner: str, begins: str) -> list[TrainingEnd]:
    """Return what there is, or was lately, to be told of one end; `begins`: see `prefix`."""
    rows = TrainingEnd.query(owner, TrainingEnd.end_id.startswith(begins), consistent_read=True)
    return list(rows)


def find(owner: str, end_id: str) -> TrainingEnd | None:
    """Return a row, or None when it is gone."""
    try:
        return TrainingEnd.get(owner, end_id, consistent_read=True)
    except TrainingEnd.DoesNotExist:
        return None
