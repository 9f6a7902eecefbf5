"""Deliveries that were given up: kept in the row that they belong to, and sent once more on request."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic

from chalicelib.callbacks.deliveries import Delivery, Row
from chalicelib.callbacks.errors import NotRegistered
from chalicelib.storage.conditional import ConditionFailed, Update, write
from chalicelib.storage.rows import Told


class UnknownDelivery(LookupError):
    """There is no such delivery among those that have failed."""

    def __init__(self, delivery_id: str) -> None:
        super().__init__(
            f"There is no failed delivery '{delivery_id[:100]}': "
            "it was delivered, or what it tells of is gone. "
            "GET /v1/callback_deliveries lists those that there are."
        )


@dataclass(frozen=True)
class Failed(Generic[Row]):
    """An event of a row that was given up."""

    delivery: Delivery[Row]
    row: Row
    delivery_id: str
    event: str
    attempts: int
    error: str
    failed: datetime
    noted: str
    """As the row has it."""


def of_row(delivery: Delivery[Row], row: Row) -> list[Failed[Row]]:
    """Return what could not be told of a row."""
    found = []
    for noted in row.notify_failures or ():
        given_up = json.loads(noted)
        found.append(
            Failed(
                delivery,
                row,
                delivery.id_of(given_up["number"]),
                given_up["event"],
                given_up["attempts"],
                given_up["error"],
                datetime.fromtimestamp(given_up["failed_s"], UTC),
                noted,
            )
        )
    return found


def resend(failed: Failed[Row]) -> None:
    """Try once more, with the same delivery id; what is taken is no longer among those that have failed.

    Raises:
        CallbackError: it was not taken again.
        NotRegistered: the URL is not registered any more.
        UnknownDelivery: what it tells of is gone.
    """
    row = failed.delivery.read()
    if row is None:
        raise UnknownDelivery(failed.delivery_id)
    if not failed.delivery.deliver(row, failed.event, failed.delivery_id):
        raise NotRegistered(row.callback_url or "")
    left = [noted for noted in row.notify_failures or () if noted != failed.noted]
    change = Told.notify_failures.set(left) if left else Told.notify_failures.remove()
    unchanged = Told.notify_failures == list(row.notify_failures or ())
    with contextlib.suppress(ConditionFailed):  # it stays among the failed ones, though it was delivered
        write(Update(row, unchanged, [change]))
