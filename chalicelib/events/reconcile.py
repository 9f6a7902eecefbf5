"""The clock: makes lost events harmless, frees what is stuck, and clears away what nobody needs."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import settings
from chalicelib.customization import audio_resources, statuses, uploads
from chalicelib.customization.audio_resources import Analysis
from chalicelib.events import announcements, messages, open_jobs, orphans, telemetry
from chalicelib.storage import objects, queues
from chalicelib.storage.tables import AcousticModel, AudioResource
from chalicelib.training import launch
from chalicelib.training.recover import recover
from chalicelib.user_data import erasures

NEVER_ARRIVED = "The audio did not arrive completely. Upload it again."
_EVENT_TAKES = timedelta(minutes=1)
_ANALYSIS_TAKES = timedelta(hours=2)
"""While announcements lie in the queue, an old upload may just be waiting for its turn."""
_UPLOAD_TAKES = timedelta(minutes=20)
"""Longer than any function that stores an upload may run."""
_MAX_WORK_S = 150.0


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Look after every model that waits for something. Safe beside live events, and to be repeated.

    An event with `{"detail": {"restarted": true}}` says that nothing that was at work is any longer, so that
    there is nothing to wait for.
    """
    restarted = bool((event.get("detail") or {}).get("restarted"))
    deadline_s = time.monotonic() + _MAX_WORK_S
    waiting = list(AcousticModel.scan(_waits_for_something()))
    random.shuffle(waiting)  # whoever is left for the next time, is so by chance
    patience = timedelta(0) if restarted else _patience()
    looked_after = failed = 0
    for model in waiting:
        if time.monotonic() > deadline_s:
            telemetry.logger.warning(
                "more models wait than can be looked after", extra={"models": len(waiting)}
            )
            break
        try:
            _look_after(model, patience, restarted=restarted)
        except Exception:  # noqa: BLE001  the trouble with one model must not keep the others waiting
            telemetry.logger.exception("model", extra={"customization_id": model.customization_id})
            failed += 1
        looked_after += 1
    jobs, jobs_failed = open_jobs.look_after(deadline_s, restarted=restarted)
    erasures_left = erasures.carry_on(deadline_s)
    removed = orphans.clear_away(datetime.now(UTC))
    telemetry.count("ModelsLookedAfter", looked_after)
    telemetry.count("ModelsNotLookedAfter", len(waiting) - looked_after + failed)
    telemetry.count("JobsLookedAfter", jobs)
    telemetry.count("ErasuresLeft", erasures_left)
    telemetry.count("OrphansRemoved", removed)
    telemetry.flush()
    return {
        "looked_after": looked_after,
        "jobs": jobs,
        "failed": failed + jobs_failed,
        "orphans": removed,
    }


def _waits_for_something() -> Any:
    return (
        AcousticModel.status.is_in(*statuses.RUNNING)
        | AcousticModel.analysing.exists()
        | AcousticModel.retrain_after_minutes.exists()
    )


def _look_after(model: AcousticModel, patience: timedelta, *, restarted: bool) -> None:
    now = datetime.now(UTC)
    if model.status in statuses.RUNNING:
        recover(model, now, restarted=restarted)
    elif model.analysing:
        for audio in audio_resources.of_model(model):
            if audio.status == uploads.BEING_PROCESSED:
                _look_after_upload(audio, now, patience, restarted=restarted)
    else:
        launch.train_when_due(model.owner, model.customization_id)


def _look_after_upload(audio: AudioResource, now: datetime, patience: timedelta, *, restarted: bool) -> None:
    key = audio_resources.key_of(audio)
    age = now - audio.updated
    if objects.exists(key.key):
        if age >= patience:
            telemetry.logger.info("announced again", extra={"key": key.key})
            messages.client().send_message(
                QueueUrl=messages.url_of(settings.current().audio_queue),
                MessageBody=announcements.write(key.key, now),
            )
    elif restarted or age > _UPLOAD_TAKES:
        audio_resources.analysis_finished(
            audio.owner,
            audio.customization_id,
            audio.audio_id,
            audio.upload_id,
            Analysis(valid=False, details_type="undetermined", error=NEVER_ARRIVED),
        )


def _patience() -> timedelta:
    """Return for how long an upload's announcement may be on its way: briefly, while the queue is empty."""
    return _EVENT_TAKES if queues.idle(settings.current().audio_queue) else _ANALYSIS_TAKES
