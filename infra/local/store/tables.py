"""ministack's DynamoDB tables, with every change of an item written to a journal."""

from __future__ import annotations

import asyncio
import contextvars
import json
import time
from collections.abc import Iterator
from typing import Any

from ministack.services import dynamodb

from infra.local.store.journal import Journal, Record

TARGET_PREFIX = "DynamoDB_20120810."
_READS = frozenset(
    {
        *("DescribeTable", "ListTables", "GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"),
        *("DescribeTimeToLive", "DescribeContinuousBackups", "DescribeEndpoints", "DescribeLimits"),
    }
)
_ITEM_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_PAGE_BYTES = 16 * 1024 * 1024
_TRANSACTION = "TransactWriteItems"
_TOKENS_S = 600.0
"""For so long DynamoDB knows a transaction's token, too."""
_TABLE_WRITES = frozenset({"CreateTable", "DeleteTable", "UpdateTimeToLive"})

_changes: contextvars.ContextVar[list[list[Any]] | None] = contextvars.ContextVar("changes", default=None)
_set_item = dynamodb._set_item
_remove_item = dynamodb._remove_item

Answer = tuple[int, dict[str, str], bytes]


def _recorded_set(table: dict[str, Any], partition: str, sort: str, item: dict[str, Any]) -> Any:
    changes = _changes.get()
    if changes is not None:
        changes.append([table["TableName"], partition, sort, item])
    return _set_item(table, partition, sort, item)


def _recorded_remove(table: dict[str, Any], partition: str, sort: str) -> Any:
    changes = _changes.get()
    if changes is not None:
        changes.append([table["TableName"], partition, sort, None])
    return _remove_item(table, partition, sort)


def record_changes() -> None:
    """Have ministack tell of every item that it stores or removes.

    The resulting items are recorded, not the requests: conditions and expressions are decided once, and a
    replay cannot decide them differently. Items that expire are not recorded: replayed, they expire again.
    """
    dynamodb._set_item = _recorded_set
    dynamodb._remove_item = _recorded_remove


def read_in_few_pages() -> None:
    """Have ministack give more than a megabyte at once: each page takes a look at a whole partition."""
    dynamodb._DDB_PAGE_SIZE_BYTES = _PAGE_BYTES


async def _call(action: str, body: bytes) -> Answer:
    headers = {"x-amz-target": TARGET_PREFIX + action}
    answer: Answer = await dynamodb.handle_request("POST", "/", headers, body, {})
    return answer


def _refusal(action: str) -> Answer:
    text = json.dumps({"__type": "UnknownOperationException", "message": f"{action} is not served here"})
    return 400, {"Content-Type": "application/x-amz-json-1.0"}, text.encode()


class Tables:
    """The tables behind their journal. Writes run one after another, so the journal has their true order."""

    def __init__(self) -> None:
        self._definitions: dict[str, list[Record]] = {}
        self._tokens: dict[str, float] = {}
        """Of transactions that were made, with the Unix time of each: oldest first."""
        self._writing = asyncio.Lock()

    async def handle(self, action: str, body: bytes, journal: Journal) -> Answer:
        """Answer one DynamoDB request; a write is on disk when this returns.

        Raises:
            journal.JournalUnwritable: the change could not be put on disk.
        """
        if action in _READS:
            return await _call(action, body)
        if action in _TABLE_WRITES:
            return await self._change_table(action, body, journal)
        if action not in _ITEM_WRITES:
            return _refusal(action)
        async with self._writing:
            request_token = json.loads(body).get("ClientRequestToken") if action == _TRANSACTION else None
            if request_token in self._tokens:
                # Tried again, because the first answer was lost: ministack would judge it anew, and refuse it
                # for what it has done itself.
                answer: Answer = (200, {"Content-Type": "application/x-amz-json-1.0"}, b"{}")
            else:
                answer = await self._write(action, body, request_token, journal)
        # A refusal rests on what the tables hold, which must be on disk, too: a client that repeats a request
        # whose answer was that the disk refuses would else take "it is there already" for its success.
        await journal.flushed()
        return answer

    async def _write(self, action: str, body: bytes, request_token: str | None, journal: Journal) -> Answer:
        changes: list[list[Any]] = []
        token = _changes.set(changes)
        try:
            answer = await _call(action, body)
        finally:
            _changes.reset(token)
        # One line for the whole request: a transaction is never replayed in part. Also after a refusal: the
        # journal follows what the tables hold.
        if changes:
            record: Record = {"items": changes}
            if request_token is not None and answer[0] == 200:
                record |= {"token": request_token, "at_s": time.time()}
                self._note(record)
            journal.append(record)
        return answer

    def _note(self, record: Record) -> None:
        """Remember the token of a transaction, and forget those that nobody will send again."""
        self._tokens[record["token"]] = record["at_s"]
        limit_s = time.time() - _TOKENS_S
        while self._tokens and next(iter(self._tokens.values())) < limit_s:
            del self._tokens[next(iter(self._tokens))]

    async def _change_table(self, action: str, body: bytes, journal: Journal) -> Answer:
        async with self._writing:
            answer = await _call(action, body)
            if answer[0] != 200:
                return answer
            record = {"table": json.loads(body), "action": action}
            self._remember(record)
            journal.append(record)
        await journal.flushed()
        return answer

    def _remember(self, record: Record) -> None:
        name = record["table"]["TableName"]
        if record["action"] == "DeleteTable":
            self._definitions.pop(name, None)
        else:
            self._definitions.setdefault(name, []).append(record)

    def owns(self, record: Record) -> bool:
        """Tell whether a record of the journal came from here."""
        return "items" in record or "table" in record

    async def replay(self, record: Record) -> None:
        """Apply a record of an earlier run."""
        if "items" in record:
            for name, partition, sort, item in record["items"]:
                table = dynamodb._tables[name]
                if item is None:
                    _remove_item(table, partition, sort)
                else:
                    _set_item(table, partition, sort, item)
            if "token" in record:
                self._note(record)
        else:
            await _call(record["action"], json.dumps(record["table"]).encode())
            self._remember(record)

    def snapshot(self) -> Iterator[Record]:
        """Yield the records that make the present state."""
        for name, definitions in self._definitions.items():
            yield from definitions
            for partition, items in dynamodb._tables[name]["items"].items():
                for sort, item in items.items():
                    yield {"items": [[name, partition, sort, item]]}
        for token, at_s in self._tokens.items():
            yield {"items": [], "token": token, "at_s": at_s}
