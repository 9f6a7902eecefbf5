"""Messages that were given up, because their function failed again and again: counted for the operator."""

from __future__ import annotations

from chalicelib import settings
from chalicelib.events.delivery import telemetry
from chalicelib.storage import queues


def look() -> int:
    """Return how many messages lie in the dead-letter queues of all queues; name these in the log."""
    found = {queue: queues.lengths(queue)["waiting"] for queue in settings.current().dead_letter_queues}
    for queue, messages in found.items():
        if messages:
            telemetry.logger.warning("messages were given up", extra={"queue": queue, "messages": messages})
    return sum(found.values())
