"""Conditional writes: a row changes only while it is as it was judged; rows change together or not at all."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib.storage import connection

__all__ = [
    "Action",
    "Add",
    "Change",
    "Condition",
    "ConditionFailed",
    "Contended",
    "Delete",
    "Put",
    "Update",
    "write",
]

MOST_TOGETHER = 100
"""Changes in one transaction of DynamoDB."""
_ATTEMPTS = 12
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.5


class ConditionFailed(Exception):
    """A row is not, or no longer, as the change requires. Nothing was written."""


class Contended(Exception):
    """Others kept changing the same rows at the same moment. Nothing was written."""


@dataclass(frozen=True)
class Update:
    """Change attributes of one row; without a condition it would create the row, so there is always one."""

    row: Model
    condition: Condition
    actions: Sequence[Action]


@dataclass(frozen=True)
class Put:
    """Write a whole row."""

    row: Model
    condition: Condition


@dataclass(frozen=True)
class Delete:
    """Remove one row."""

    row: Model
    condition: Condition


@dataclass(frozen=True)
class Add:
    """Add to numbers of a row, which is made if it is not there.

    It is a transaction also where it stands alone: when boto3 sends one again because the connection broke
    before the answer came, DynamoDB knows it by its token and adds once.
    """

    row: Model
    actions: Sequence[Action]


Change = Update | Put | Delete | Add


def write(*changes: Change) -> None:
    """Make all changes, or none. The row of a single `Update` is refreshed to what is then stored.

    Raises:
        ConditionFailed: a condition does not hold.
        Contended: the rows were never quiet for long enough; the caller may try again later.
    """
    pause_s = _FIRST_PAUSE_S
    for _ in range(_ATTEMPTS):
        try:
            if len(changes) == 1 and not isinstance(changes[0], Add):
                _write_one(changes[0])
            else:
                _write_together(changes)
        except PynamoDBException as error:
            codes = _codes(error)
            if "ConditionalCheckFailed" in codes:
                raise ConditionFailed from None
            if "TransactionConflict" not in codes:
                raise
        else:
            return
        time.sleep(pause_s * random.uniform(0.5, 1.5))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    raise Contended


def _write_one(change: Change) -> None:
    match change:
        case Update():
            change.row.update(actions=list(change.actions), condition=change.condition)
        case Put():
            change.row.save(condition=change.condition)
        case Delete():
            change.row.delete(condition=change.condition)
        case Add():
            raise AssertionError("a transaction adds")


def _write_together(changes: Sequence[Change]) -> None:
    with TransactWrite(connection=connection.shared()) as transaction:
        for change in changes:
            match change:
                case Update():
                    transaction.update(change.row, actions=list(change.actions), condition=change.condition)
                case Put():
                    transaction.save(change.row, condition=change.condition)
                case Delete():
                    transaction.delete(change.row, condition=change.condition)
                case Add():
                    transaction.update(change.row, actions=list(change.actions))


def _codes(error: PynamoDBException) -> set[str]:
    """Return DynamoDB's reasons without the `Exception` that single writes append to them."""
    if isinstance(error, TransactWriteError):
        reasons = {reason.code for reason in error.cancellation_reasons if reason is not None}
        return reasons | {(error.cause_response_code or "").removesuffix("Exception")}
    return {(error.cause_response_code or "").removesuffix("Exception")}
