"""Delivers callbacks and events: at least once, in the order of a row's events, for up to three days.

What is to be told is noted in a row, by the same write that changes what it tells of. A message in the queue
only says that there may be something; whoever gets it claims the row for a minute: one tells at a time.
"""

from __future__ import annotations

import json
import logging
import math
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from chalicelib import settings
from chalicelib.callbacks import exchange, registrations
from chalicelib.callbacks.errors import CallbackError
from chalicelib.storage import failures, queues
from chalicelib.storage.conditional import Action, ConditionFailed, Update, write
from chalicelib.storage.rows import Told
from chalicelib.storage.tables import Callback

_log = logging.getLogger(__name__)

RETRIED = timedelta(days=3)
"""For so long somebody who does not answer is tried again."""
LONGEST_PAUSE_S = 3600.0
_LIMIT_S = 10.0
_LEASE_S = 20
"""Twice as long as telling may take: who died at it does not keep the next one waiting for long."""
_DELIVERIES = uuid.UUID("8e0a3f0c-5a5e-4c55-9d0c-0a7f6f2f9b51")
"""In which the ids of deliveries are unique."""

Row = TypeVar("Row", bound=Told)


class BeingTold(Exception):
    """Somebody else is telling of this. Try again soon."""


@dataclass(frozen=True)
class Delivery(Generic[Row]):
    """What is to be told of one row, and how."""

    message: Mapping[str, Any]
    """What the queue says about it."""
    read: Callable[[], Row | None]
    """Returns the row as it is now; None: it is gone."""
    deliver: Callable[[Row, str, str], bool]
    """Tells of one event by its delivery id; False: nobody wants to know of any. Raises CallbackError to have
    it repeated."""

    def id_of(self, number: int) -> str:
        """Return the id of telling of the row's event with that number: the same with each attempt."""
        return str(uuid.uuid5(_DELIVERIES, f"{json.dumps(dict(self.message), sort_keys=True)}/{number}"))


def pending(row: Told) -> bool:
    """Tell whether there is something to tell."""
    return row.notify_at is not None


def announce(message: Mapping[str, Any], delay_s: float = 0) -> None:
    """Have somebody deliver; if that fails, the reconciler does."""
    try:
        queues.send(
            settings.current().callback_queue,
            message,
            delay_s=min(max(round(delay_s), 0), queues.LONGEST_DELAY_S),
        )
    except failures.FAILURES:
        _log.warning("what there is to tell of %s will be late", message, exc_info=True)


def tell(delivery: Delivery[Row]) -> None:
    """Tell all that is due; comes back by itself after a failure.

    Raises:
        BeingTold: somebody else is at it.
    """
    while (row := delivery.read()) is not None and row.notify_at is not None:
        wait_s = float(row.notify_at) - time.time()
        if wait_s > 0.5:
            announce(delivery.message, wait_s)
            return
        if not _tell_next(delivery, row):
            return


def post(owner: str, url: str, body: bytes, delivery_id: str) -> bool:
    """Send JSON to a registered callback, signed; False: it is not registered any more.

    Raises:
        CallbackError: it was not taken.
    """
    callback: Callback | None = registrations.find(owner, url)
    if callback is None or callback.url is None:
        return False
    headers = {
        "Content-Type": "application/json",
        "X-Attune-Delivery": delivery_id,
        **registrations.signed(callback, body),
    }
    answer = exchange.send("POST", callback.url, headers, body, limit_s=_LIMIT_S)
    if not 200 <= answer.status < 300:
        raise CallbackError(f"it answered with status {answer.status}")
    return True


def _tell_next(delivery: Delivery[Row], row: Row) -> bool:
    """Tell of one event; False when that has to be tried again later."""
    now_s = int(time.time())
    told = int(row.notified)
    if told >= len(row.notifications):
        return settle(delivery, row, told)
    free = Told.notify_lease.does_not_exist() | (Told.notify_lease < now_s)
    try:
        write(
            Update(
                row,
                (Told.notified == told) & free,
                [
                    Told.notify_lease.set(now_s + _LEASE_S),
                    Told.notify_since.set(Told.notify_since | now_s),
                ],
            )
        )
    except ConditionFailed:
        raise BeingTold(str(delivery.message)) from None
    event = row.notifications[told]
    try:
        # Asked after the claim, so that a callback that was removed since is not called.
        wanted = delivery.deliver(row, event, delivery.id_of(told))
    except CallbackError as error:
        return _try_again(delivery, row, event, str(error))
    if not wanted:
        _log.info("%s: nobody is to be told any more", delivery.message)
    return settle(delivery, row, told + 1 if wanted else len(row.notifications))


def _try_again(delivery: Delivery[Row], row: Row, event: str, reason: str) -> bool:
    now = datetime.now(UTC)
    told, attempts = int(row.notified), int(row.notify_attempts or 0) + 1
    if now - datetime.fromtimestamp(float(row.notify_since or 0), UTC) >= RETRIED:
        _log.error("%s: %s was given up after %d attempts: %s", delivery.message, event, attempts, reason)
        queues.send(
            f"{settings.current().callback_queue}-dead",
            {**delivery.message, "event": event, "reason": reason},
        )
        given_up = {
            "number": told,
            "event": event,
            "attempts": attempts,
            "error": reason,
            "failed_s": int(now.timestamp()),
        }
        failures_so_far = [*(row.notify_failures or ()), json.dumps(given_up)]
        return settle(delivery, row, told + 1, Told.notify_failures.set(failures_so_far))
    delay_s = pause_s(attempts)
    _log.info("%s: %s again in %d s: %s", delivery.message, event, delay_s, reason)
    write(
        Update(
            row,
            Told.notified == told,
            [
                Told.notify_attempts.set(attempts),
                Told.notify_at.set(math.ceil(now.timestamp() + delay_s)),
                Told.notify_lease.remove(),
            ],
        )
    )
    announce(delivery.message, delay_s)
    return False


def pause_s(attempts: int) -> float:
    """Return how long to wait after so many attempts: twice as long each time, up to an hour."""
    return min(2.0 ** min(attempts, 12), LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)


def settle(delivery: Delivery[Row], row: Row, told: int, *more: Action) -> bool:
    """Note that so many events were told, and more; if there are others, the next look at the row says."""
    over: list[Action] = [
        *more,
        Told.notified.set(told),
        Told.notify_lease.remove(),
        Told.notify_attempts.remove(),
        Told.notify_since.remove(),
    ]
    unchanged = Told.notified == int(row.notified)
    try:
        if told >= len(row.notifications):
            all_told = Told.notifications == list(row.notifications)
            write(Update(row, unchanged & all_told, [*over, Told.notify_at.remove()]))
        else:
            write(Update(row, unchanged, [*over, Told.notify_at.set(int(time.time()))]))
    except ConditionFailed:
        # Another event has come meanwhile, or the row is gone: it says which.
        try:
            write(Update(row, unchanged, [*over, Told.notify_at.set(int(time.time()))]))
        except ConditionFailed:
            return delivery.read() is not None
    return True
