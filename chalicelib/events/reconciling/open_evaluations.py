"""Test sets and evaluations that wait for somebody: announced again when forgotten, given up after a day."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

from chalicelib import settings
from chalicelib.evaluation import evaluations, test_sets
from chalicelib.events.delivery import telemetry
from chalicelib.events.reconciling import overdue
from chalicelib.storage import queues
from chalicelib.storage.tables import Evaluation, TestSet

NO_CAPACITY = (
    "The service had no capacity for this evaluation for a whole day. Make it again; if that fails too, tell "
    "the operator of this service."
)
_GIVEN_UP_AFTER = timedelta(days=1)
_MESSAGE_TAKES = timedelta(minutes=1)
_WORK_TAKES = timedelta(hours=2)
"""While messages lie in the queue, an evaluation may just be waiting for its turn."""


def look_after(deadline_s: float, every_s: float, *, messages_lost: bool) -> tuple[int, int]:
    """Look after them until a moment of the monotonic clock; return how many, and how many failed.

    Args:
        deadline_s: when to stop.
        every_s: how often this is called.
        messages_lost: whatever lay in the queues is gone, what was held back there included.
    """
    waiting: list[TestSet | Evaluation] = [*test_sets.unread(every_s), *evaluations.open_ones(every_s)]
    if not waiting:
        return 0, 0
    random.shuffle(waiting)  # whoever is left for the next time, is so by chance
    idle = messages_lost or queues.idle(settings.current().evaluation_queue)
    patience = timedelta(0) if messages_lost else _MESSAGE_TAKES if idle else _WORK_TAKES
    looked_after = failed = 0
    for row in waiting:
        if time.monotonic() > deadline_s:
            break
        try:
            _look_after(row, patience)
        except Exception:  # noqa: BLE001  the trouble with one must not keep the others waiting
            telemetry.logger.exception("evaluation")
            failed += 1
        looked_after += 1
    return looked_after, failed


def _look_after(row: TestSet | Evaluation, patience: timedelta) -> None:
    now = datetime.now(UTC)
    overdue.note("evaluation", now - row.updated)
    if isinstance(row, Evaluation) and now - row.updated > _GIVEN_UP_AFTER:
        evaluations.give_up(row, NO_CAPACITY, now)
    elif now - max(row.updated, row.announced or row.updated) >= patience:
        if isinstance(row, Evaluation):
            evaluations.announce_again(row)
            evaluations.note_announced(row, now)
        else:
            test_sets.announce(row)
            test_sets.note_announced(row, now)
