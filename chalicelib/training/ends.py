"""Ends trainings, and tells those who are to know: the event bus, a callback, and the next in the line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib import settings
from chalicelib.callbacks import deliveries, failed_deliveries
from chalicelib.callbacks.deliveries import Delivery
from chalicelib.callbacks.errors import CallbackError
from chalicelib.callbacks.failed_deliveries import Failed
from chalicelib.customization import runs, training_ends, turns
from chalicelib.customization.acoustic import acoustic_training
from chalicelib.storage import event_bus, failures, queues
from chalicelib.storage.layout import RunKey
from chalicelib.storage.tables import AcousticModel, TrainingEnd

logger = logging.getLogger(__name__)

SOURCE = "attune"
DETAIL_TYPE = "Attune Training Ended"
VALIDATED = "Attune Audio Validated"


def succeeded(run: RunKey, *, sha256: str, size_bytes: int, report: Mapping[str, Any]) -> bool:
    """Promote a run; False when it is over or another one is current. So it is below."""
    changed = acoustic_training.training_succeeded(
        run.owner,
        run.customization_id,
        run.run,
        sha256=sha256,
        size_bytes=size_bytes,
        report=report,
        most_versions=settings.current().kept_versions,
    )
    _over(run)
    return changed


def failed(run: RunKey, error: str) -> bool:
    """End a run with a reason for the model's user."""
    changed = runs.failed(AcousticModel, run.owner, run.customization_id, run.run, error)
    _over(run)
    return changed


def cancelled(run: RunKey) -> bool:
    """End a run as its user asked."""
    changed = runs.cancelled(AcousticModel, run.owner, run.customization_id, run.run)
    _over(run)
    return changed


def _over(run: RunKey) -> None:
    """Send word, also when the run was over before: who ended it may have died. So does the reconciler."""
    try:
        _announce_pending(run.owner, training_ends.prefix(run.customization_id, run.run))
        if turns.anyone_waits():
            queues.send(settings.current().training_due_queue, {})
    except failures.FAILURES:
        logger.warning("the end of run %s will be told of late", run.prefix, exc_info=True)


def validated(owner: str, customization_id: str, upload_id: str) -> None:
    """Send word that the audio of a model has been analysed, if this upload was the last of it."""
    try:
        _announce_pending(owner, training_ends.prefix_of_analysis(customization_id, upload_id))
    except failures.FAILURES:
        logger.warning("the analysis of %s will be told of late", customization_id, exc_info=True)


def _announce_pending(owner: str, begins: str) -> None:
    for end in training_ends.beginning(owner, begins):
        if deliveries.pending(end):
            announce(end)


def announce(end: TrainingEnd, delay_s: float = 0) -> None:
    """Have somebody tell of an end, after `delay_s` seconds."""
    deliveries.announce(_message(end.owner, end.end_id), delay_s)


def tell(owner: str, end_id: str) -> None:
    """Tell who is to know of an end; comes back by itself after a failure.

    Raises:
        deliveries.BeingTold: somebody else is at it.
    """
    deliveries.tell(of_end(owner, end_id))


def of_end(owner: str, end_id: str) -> Delivery[TrainingEnd]:
    """Return what is to be told of an end."""
    return Delivery(_message(owner, end_id), lambda: training_ends.find(owner, end_id), _deliver)


def untold(owner: str) -> Iterator[Failed[TrainingEnd]]:
    """Yield what an owner's callbacks could not be told of ends of trainings."""
    for end in training_ends.given_up(owner):
        yield from failed_deliveries.of_row(of_end(owner, end.end_id), end)


def _message(owner: str, end_id: str) -> dict[str, Any]:
    return {"owner": owner, "end": end_id}


def _deliver(end: TrainingEnd, event: str, delivery_id: str) -> bool:
    if not end.callback_url:
        return _put(end, event)
    detail = json.loads(end.detail)
    told = {"id": detail["customization_id"], "event": event, "user_token": end.user_token or "", **detail}
    body = json.dumps(told, ensure_ascii=False).encode()
    return deliveries.post(end.owner, end.callback_url, body, delivery_id)


def _put(end: TrainingEnd, event: str) -> bool:
    detail = json.loads(end.detail)
    text = json.dumps({"event": event, **detail}, ensure_ascii=False)
    kind = VALIDATED if event == training_ends.TrainingEvent.VALIDATED else DETAIL_TYPE
    try:
        event_bus.put(settings.current().event_bus, SOURCE, kind, text, detail["customization_id"])
    except (event_bus.EventRefused, *failures.FAILURES) as error:
        raise CallbackError(f"the event bus does not take it: {error}") from error
    return True
