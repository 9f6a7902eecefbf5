"""The one DynamoDB client that all tables of this process share: making one costs a fifth of a second."""

from __future__ import annotations

import functools
import threading

import botocore
from botocore.config import Config
from pynamodb.connection import Connection, TableConnection
from pynamodb.models import Model

_CONNECTIONS = 32
"""At least as many as the threads that use the tables at the same time."""
_lock = threading.Lock()


@functools.cache
def shared() -> Connection:
    """Return this process's connection."""
    connection = Connection(
        connect_timeout_seconds=3,
        read_timeout_seconds=10,
        max_retry_attempts=4,
        max_pool_connections=_CONNECTIONS,
    )
    # botocore would put its own name together anew, twice for each request. Its client is made here, because
    # pynamodb keeps a session for each thread.
    connection.session.set_default_client_config(Config(user_agent=f"Attune Botocore/{botocore.__version__}"))
    _ = connection.client
    return connection


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
