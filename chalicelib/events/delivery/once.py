"""Handles an event once, however often it comes, by Powertools' idempotency."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

from chalicelib import settings

REMEMBERED_S = 3600
_ABANDONED_AFTER_MS = 8_000
"""A repetition has to wait for at most this long when the first attempt died; on one machine the message of a
killed worker comes back after ten seconds. What is slower may run twice at
once, which does no harm: every change of a row is conditional."""


class _Deadline:
    """The part of Lambda's context that the idempotency record is made with."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return _ABANDONED_AFTER_MS


@functools.cache
def _store() -> DynamoDBPersistenceLayer:
    return DynamoDBPersistenceLayer(table_name=f"{settings.current().table_prefix}idempotency")


def once(function: Callable[..., None], identity: dict[str, Any], **arguments: object) -> None:
    """Call `function(identity=…, **arguments)` unless a call with the same `identity` has succeeded lately.

    Raises:
        IdempotencyAlreadyInProgressError: another call is at it; try again later.
        Exception: what `function` raises; it is then not remembered.
    """
    config = IdempotencyConfig(
        expires_after_seconds=REMEMBERED_S,
        raise_on_no_idempotency_key=True,
        hash_function="sha256",
        lambda_context=cast(Any, _Deadline()),
    )
    guarded = idempotent_function(
        function, data_keyword_argument="identity", persistence_store=_store(), config=config
    )
    guarded(identity=identity, **arguments)
