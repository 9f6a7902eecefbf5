"""The one DynamoDB client that all tables of this process share: making one costs a fifth of a second."""

from __future__ import annotations

import functools
import threading

from pynamodb.connection import Connection, TableConnection
from pynamodb.models import Model

_CONNECTIONS = 32
"""At least as many as the threads that use the tables at the same time."""
_lock = threading.Lock()


@functools.cache
def shared() -> Connection:
    """Return this process's connection."""
    return Connection(
        connect_timeout_seconds=3,
        read_timeout_seconds=10,
        max_retry_attempts=4,
        max_pool_connections=_CONNECTIONS,
    )


class Table(Model):
    """A pynamodb model that does without a client of its own."""

    @classmethod
    def _get_connection(cls) -> TableConnection:
        connection = shared()
        with _lock:
            table = super()._get_connection()
            if table.connection is not connection:
                connection.add_meta_table(table.get_meta_table())
                table.connection = connection
        return table
