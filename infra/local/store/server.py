"""Objects, tables and queues in one process on one loopback port; what it acknowledges survives a kill."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import itertools
import json
import logging
import os
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from infra import resources
from infra.local.admission import Admitted
from infra.local.processes import child
from infra.local.store import bring_up, event_bus, journal, queues, tables
from infra.local.store.object_api import ObjectApi
from infra.local.store.objects import Objects, StoredObject
from infra.local.wire import Disconnected, Receive, Scope, Send, answer, headers_of, server, whole_body

_LOG = logging.getLogger(__name__)
_SWEEP_EVERY_S = 3600.0
_COMPACT_ABOVE_BYTES = 64 * 1024**2
_JSON = "application/x-amz-json-1.0"


class Store:
    """An ASGI application that serves S3, DynamoDB, SQS and an event bus from one folder.

    Use `open` to make one; it has to stay in the event loop that opened it.
    """

    def __init__(
        self,
        log: journal.Journal,
        objects: Objects,
        held: tables.Tables,
        bus: event_bus.EventBus,
    ) -> None:
        self._journal = log
        self._objects = objects
        self._tables = held
        self._queues = queues.Queues()
        self._bus = bus
        self._buckets = {bucket.name: bucket for bucket in resources.load().buckets}
        self._object_api = ObjectApi(objects, log, self._announce)
        self._host = ""
        self._compact_above_bytes = _COMPACT_ABOVE_BYTES

    @classmethod
    async def open(cls, folder: Path) -> Store:
        """Bring back what `folder` holds. Whoever reaches it may do everything: see `admission`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "journal"
        torn_bytes = journal.cut_torn_tail(path)
        if torn_bytes:
            _LOG.warning("cut off %d bytes that were being written when the service was killed", torn_bytes)
        objects, held = Objects(folder / "blobs"), tables.Tables()
        for record, _ in journal.read(path):
            if held.owns(record):
                await held.replay(record)
            else:
                objects.replay(record)
        objects.remove_orphans()
        try:
            journal.rewrite(path, itertools.chain(held.snapshot(), objects.snapshot()))
        except OSError as error:
            # On a full disk the service still has to start, so that its user can delete something.
            _LOG.warning("the journal could not be shortened: %s", error)
        tables.record_changes()
        tables.read_in_few_pages()
        return cls(journal.Journal(path), objects, held, event_bus.EventBus(folder))

    async def bring_up(self, wanted: resources.Resources) -> None:
        """Create what the template declares and is not there yet; queues never are at a start."""

        async def on_tables(action: str, request: dict[str, Any]) -> dict[str, Any]:
            return _document(action, await self._tables.handle(action, _body(request), self._journal))

        async def on_queues(action: str, request: dict[str, Any]) -> dict[str, Any]:
            return _document(action, await self._queues.handle(action, _body(request), self._host))

        create_bucket = self._object_api.create_bucket
        await bring_up.bring_up(wanted, create_bucket=create_bucket, tables=on_tables, queues=on_queues)

    def _snapshot(self) -> Iterator[journal.Record]:
        return itertools.chain(self._tables.snapshot(), self._objects.snapshot())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of any of the four services."""
        headers = headers_of(scope)
        self._host = headers.get("host", self._host)
        service, _, action = headers.get("x-amz-target", "").partition(".")
        if not service:
            await self._object_api(scope, receive, send)
            return
        try:
            body = await whole_body(receive)
        except Disconnected:
            return
        try:
            if f"{service}." == queues.TARGET_PREFIX:
                async with _watched(receive) as gone:
                    status, fields, text = await self._queues.handle(action, body, self._host, gone)
            elif f"{service}." == event_bus.TARGET_PREFIX:
                status, fields, text = self._bus.handle(action, body)
            else:
                status, fields, text = await self._tables.handle(action, body, self._journal)
        except OSError as error:
            full = journal.is_full(error)
            status = HTTPStatus.INSUFFICIENT_STORAGE if full else HTTPStatus.INTERNAL_SERVER_ERROR
            kind = "InsufficientStorage" if full else "InternalServerError"
            fields = {"content-type": _JSON}
            text = json.dumps({"__type": kind, "message": f"Disk: {error.strerror}"}).encode()
        await answer(send, status, {name.lower(): value for name, value in fields.items()}, text)

    def close(self) -> None:
        """Send away who waits for messages, so that the server can end."""
        self._queues.close()

    async def _announce(self, bucket: str, event: str, stored: StoredObject) -> None:
        for rule in self._buckets[bucket].notifications if bucket in self._buckets else ():
            matches = re.fullmatch(rule.event.replace("*", ".*"), f"s3:{event}")
            if matches and stored.key.startswith(rule.prefix) and stored.key.endswith(rule.suffix):
                message = {"Records": [_event_record(bucket, event, stored)]}
                try:
                    await self._queues.send(rule.queue, message, self._host)
                except LookupError:
                    # As in AWS, an upload does not fail for its announcement; the reconciler finds it.
                    _LOG.warning("no queue %s: nobody was told of %s", rule.queue, stored.key)

    async def sweep(self) -> None:
        """Every hour, remove what the template's lifecycle rules let expire, and shorten a long journal."""
        while True:
            for step in (self._shorten, self._expire):
                try:
                    await step()
                except OSError as error:
                    _LOG.warning("what is not needed any more could not all be removed: %s", error)
            await asyncio.sleep(_SWEEP_EVERY_S)

    async def _shorten(self) -> None:
        if self._journal.size_bytes > self._compact_above_bytes:
            await self._journal.compact(self._snapshot)
            # Requests wait for it: where most of it is needed, it is not worth while each time.
            self._compact_above_bytes = max(_COMPACT_ABOVE_BYTES, 2 * self._journal.size_bytes)

    async def _expire(self) -> None:
        for bucket in self._buckets.values():
            for rule in bucket.expirations:
                limit_s = time.time() - timedelta(days=rule.days).total_seconds()
                await self._object_api.expire(bucket.name, rule.prefix, limit_s)


@contextlib.asynccontextmanager
async def _watched(receive: Receive) -> AsyncIterator[asyncio.Event]:
    """Give an event that is set when the client goes away."""
    gone = asyncio.Event()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            continue
        gone.set()

    watching = asyncio.create_task(watch())
    try:
        yield gone
    finally:
        watching.cancel()


def _body(request: dict[str, Any]) -> bytes:
    return json.dumps(request).encode()


def _document(action: str, answer: tables.Answer) -> dict[str, Any]:
    status, _, text = answer
    if status != HTTPStatus.OK:
        raise RuntimeError(f"{action} was answered with {status}: {text.decode(errors='replace')}")
    document: dict[str, Any] = json.loads(text or b"{}")
    return document


def _event_record(bucket: str, event: str, stored: StoredObject) -> dict[str, object]:
    """Return an S3 event record; in it, as in S3's own, the key is URL-encoded."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": datetime.fromtimestamp(stored.modified_s, UTC).isoformat(timespec="milliseconds")[:-6]
        + "Z",
        "eventName": event,
        "userIdentity": {"principalId": "local"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": stored.parts[0].blob, "x-amz-id-2": "local"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "local",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "local"},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": {
                "key": quote_plus(stored.key, safe="/"),
                "size": stored.size_bytes,
                "eTag": stored.etag,
                "sequencer": f"{int(stored.modified_s * 1e6):018X}",
            },
        },
    }


async def _serve(folder: Path, listener: socket.socket, access_key: str, *, complete: bool) -> None:
    store = await Store.open(folder)
    if complete:
        await store.bring_up(resources.load())
    serving = server(Admitted(store, access_key))
    gc.collect()
    gc.freeze()  # what was loaded stays: the collector need not go through it again and again

    def stop() -> None:
        store.close()
        serving.should_exit = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    sweeping = asyncio.create_task(store.sweep())
    await serving.serve(sockets=[listener])
    sweeping.cancel()


def main() -> None:
    """Run as a child process of the service: the folder, and the descriptor of a listening socket."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("descriptor", type=int)
    parser.add_argument("--complete", action="store_true", help="with all that the template declares")
    arguments = parser.parse_args()
    child.begin("store")
    listener = socket.socket(fileno=arguments.descriptor)
    access_key = os.environ["AWS_ACCESS_KEY_ID"]
    asyncio.run(_serve(arguments.folder, listener, access_key, complete=arguments.complete))


if __name__ == "__main__":
    main()
