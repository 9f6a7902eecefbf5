"""Uploads to custom models whose events were lost, or which never arrived."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from chalicelib.customization import uploads
from chalicelib.customization.custom_models import Model
from chalicelib.customization.uploads import Resource, UploadKind
from chalicelib.events.delivery import announcements, messages, telemetry
from chalicelib.events.reconciling import overdue
from chalicelib.events.reconciling.happened import Happened
from chalicelib.storage import objects, queues
from chalicelib.storage.layout import UploadKey

_EVENT_TAKES = timedelta(minutes=1)
_ANALYSIS_TAKES = timedelta(hours=2)
"""While announcements lie in the queue, an old upload may just be waiting for its turn."""
_UPLOAD_TAKES = timedelta(minutes=20)
"""Longer than any function that stores an upload may run."""


def patience(queue: str, happened: Happened) -> timedelta:
    """Return for how long an upload's announcement may be on its way: briefly, while the queue is empty."""
    if happened.messages_lost:
        return timedelta(0)
    return _EVENT_TAKES if queues.idle(queue) else _ANALYSIS_TAKES


def look_after(
    kind: UploadKind[Model, Resource],
    model: Model,
    queue: str,
    give_up: Callable[[UploadKey], object],
    happened: Happened,
) -> None:
    """Announce again what a model's uploads wait for.

    What never arrived makes room for what it was to replace; else `give_up` ends its analysis.
    """
    now = datetime.now(UTC)
    for row in uploads.of_model(kind, model):
        if row.status != uploads.BEING_PROCESSED:
            continue
        key, age = kind.key_of(row), now - row.updated
        overdue.note("upload", age)
        if objects.exists(key.key):
            if age >= patience(queue, happened):
                telemetry.logger.info("announced again", extra={"key": key.key})
                messages.client().send_message(
                    QueueUrl=messages.url_of(queue), MessageBody=announcements.write(key.key, now)
                )
        elif (happened.restarted or age > _UPLOAD_TAKES) and not uploads.give_back(kind, row):
            give_up(key)
