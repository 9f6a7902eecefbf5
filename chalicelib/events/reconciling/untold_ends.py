"""Ends of trainings whose delivery may have been lost: announced again."""

from __future__ import annotations

import time
from datetime import timedelta

from chalicelib import settings
from chalicelib.callbacks import deliveries
from chalicelib.events.reconciling import overdue
from chalicelib.storage import queues, rounds
from chalicelib.storage.tables import TrainingEnd
from chalicelib.training import ends

_MESSAGE_TAKES_S = 60.0
_QUEUE_TAKES_S = 7200.0
"""While messages lie in the queue, an end may just be waiting for its turn."""


def look_after(every_s: float, *, messages_lost: bool) -> int:
    """Announce again what is late; return how many that were. `every_s`: how often this is called."""
    waiting = list(rounds.this_round(TrainingEnd, TrainingEnd.notify_at.exists(), every_s))
    patience_s = 0.0
    if waiting and not messages_lost:
        idle = queues.idle(settings.current().callback_queue)
        patience_s = _MESSAGE_TAKES_S if idle else _QUEUE_TAKES_S
    announced = 0
    for end in waiting:
        late_s = time.time() - float(end.notify_at) if deliveries.pending(end) else 0.0
        overdue.note("callback", timedelta(seconds=late_s))
        if deliveries.pending(end) and (messages_lost or late_s >= patience_s):
            ends.announce(end, -late_s)
            announced += 1
    return announced
