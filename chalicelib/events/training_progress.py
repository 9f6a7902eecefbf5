"""A training container has said how far it is."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.events.delivery import announcements, messages
from chalicelib.storage.layout import RunKey
from chalicelib.training import follow

_processor = messages.new_processor()


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Show the progress of each run that a batch of S3 announcements names, once per run."""
    seen: set[RunKey] = set()

    def show(record: SQSRecord) -> None:
        for announcement in announcements.read(record.body):
            run = RunKey.parse(announcement.key)
            # Needs no record of what was handled: the newest progress is read, and it only goes forward.
            if run not in seen:
                follow.progressed(run)
                seen.add(run)

    return messages.handle(event, context, _processor, show)
