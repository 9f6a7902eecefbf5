"""Failures of the store, told apart: unreachable for a while, full, or our own mistake."""

from __future__ import annotations

from enum import Enum

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

FAILURES = (BotoCoreError, ClientError, PynamoDBException)
"""What calls to the tables and the bucket raise beyond their documented exceptions."""

_NO_ROOM = {"InsufficientStorage", "InsufficientCapacity", "QuotaExceeded", "507"}
_FOR_A_WHILE = {
    "InternalError",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "500",
    "502",
    "503",
    "504",
}


class StoreFailure(Enum):
    """What can be said about a failed call to the store."""

    NO_ROOM = "no room"
    FOR_A_WHILE = "for a while"
    UNEXPECTED = "unexpected"


def kind(error: Exception) -> StoreFailure:
    """Tell what kind of failure one of `FAILURES` is."""
    cause = error.cause if isinstance(error, PynamoDBException) else error
    if isinstance(cause, ClientError):
        code = str(cause.response.get("Error", {}).get("Code", ""))
        status = str(cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
        if {code, status} & _NO_ROOM:
            return StoreFailure.NO_ROOM
        return StoreFailure.FOR_A_WHILE if {code, status} & _FOR_A_WHILE else StoreFailure.UNEXPECTED
    # Without an answer there was no connection, or it broke.
    return StoreFailure.FOR_A_WHILE if isinstance(cause, BotoCoreError) else StoreFailure.UNEXPECTED
