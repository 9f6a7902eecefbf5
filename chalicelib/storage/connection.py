"""The one DynamoDB client that all tables of this process share: making one costs a fifth of a second."""

from __future__ import annotations

import functools
import threading
from typing import Any, Self

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


_LONGEST_KEYS_BYTES = (2048, 1024)
"""Of a row's two keys, as DynamoDB has it."""


class Table(Model):
    """A pynamodb model that does without a client of its own."""

    @classmethod
    def get(cls, hash_key: Any, range_key: Any = None, *args: Any, **options: Any) -> Self:
        """Return a row.

        Raises:
            DoesNotExist: there is none, or none can have keys of that length: DynamoDB would take the request
                for malformed.
        """
        for key, longest_bytes in zip((hash_key, range_key), _LONGEST_KEYS_BYTES, strict=True):
            if isinstance(key, str) and not 0 < len(key.encode(errors="surrogatepass")) <= longest_bytes:
                raise cls.DoesNotExist
        return super().get(hash_key, range_key, *args, **options)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        connection = shared()
        with _lock:
            table = super()._get_connection()
            if table.connection is not connection:
                connection.add_meta_table(table.get_meta_table())
                table.connection = connection
        return table
