"""The one DynamoDB client that all tables of this process share: making one costs a fifth of a second."""

from __future__ import annotations

import functools
import threading
from typing import Any, Self

import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import Attribute
from pynamodb.connection import Connection, TableConnection
from pynamodb.constants import NULL
from pynamodb.exceptions import GetError
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
    def get(cls, hash_key: Any, range_key: Any = None, consistent_read: bool = False) -> Self:  # type: ignore[override]  # nobody asks for single attributes
        """Return a row.

        Raises:
            DoesNotExist: there is none, or none can have keys of that length: DynamoDB would take the request
                for malformed.
            GetError: the table cannot be read.
        """
        keys = {}
        for attribute, key, longest_bytes in zip(
            cls._keys(), (hash_key, range_key), _LONGEST_KEYS_BYTES, strict=False
        ):
            if isinstance(key, str) and not 0 < len(key.encode(errors="surrogatepass")) <= longest_bytes:
                raise cls.DoesNotExist
            keys[attribute.attr_name] = {attribute.attr_type: attribute.serialize(key)}
        asked = {"TableName": cls.Meta.table_name, "Key": keys, "ConsistentRead": consistent_read}
        # Past pynamodb's signals, and a request that is put together anew each time: most calls read a row.
        try:
            item = shared()._make_api_call("GetItem", asked).get("Item")
        except (BotoCoreError, ClientError) as error:
            raise GetError(f"Failed to get item: {error}", error) from error
        if not item:
            raise cls.DoesNotExist
        return cls.from_raw_data(item)

    @classmethod
    @functools.cache
    def _keys(cls) -> tuple[Attribute[Any], ...]:
        of_a_key = (one for one in cls.get_attributes().values() if one.is_hash_key or one.is_range_key)
        return tuple(sorted(of_a_key, key=lambda one: one.is_range_key))

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Self:
        """Return a row of what DynamoDB holds; pynamodb would set all defaults twice, and read names anew."""
        row = cls.__new__(cls)
        row.attribute_values = {}
        for name, stored_as, attribute in cls._stored():
            value = data.get(stored_as)
            if value and NULL not in value:
                row.attribute_values[name] = attribute.deserialize(attribute.get_value(value))
            elif attribute.default is not None:
                default = attribute.default
                row.attribute_values[name] = default() if callable(default) else default
        return row

    @classmethod
    @functools.cache
    def _stored(cls) -> tuple[tuple[str, str, Attribute[Any]], ...]:
        return tuple((name, one.attr_name, one) for name, one in cls.get_attributes().items())

    @classmethod
    def _get_connection(cls) -> TableConnection:
        connection = shared()
        with _lock:
            table = super()._get_connection()
            if table.connection is not connection:
                connection.add_meta_table(table.get_meta_table())
                table.connection = connection
        return table
