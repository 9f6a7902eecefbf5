"""ministack's SQS queues, woken up by what arrives instead of looking again and again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import sqs

from infra.local.store.awaiting import AWAIT_MESSAGES
from infra.local.store.fair_queues import FairOrder
from infra.local.store.tables import Answer

TARGET_PREFIX = "AmazonSQS."
_VISIBLE = "ApproximateNumberOfMessages"
_LOOK_AGAIN_S = 1.0
"""Messages also become visible by time alone: delays, and receives that were never confirmed."""
_WAKING = frozenset({"SendMessage", "SendMessageBatch", "ChangeMessageVisibility", "CreateQueue"})


class Queues:
    """The queues of this process. They are volatile: the reconciler rebuilds lost work from the tables."""

    def __init__(self) -> None:
        self._arrived: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._closed = False
        self._order = FairOrder()

    async def handle(self, action: str, body: bytes, host: str, gone: asyncio.Event | None = None) -> Answer:
        """Answer one request of SQS's JSON protocol; `host` is the one the client used.

        `gone` tells that nobody waits for the answer any more: messages are not for the dead.
        """
        if action == "ReceiveMessage":
            return await self._receive(json.loads(body), host, gone or asyncio.Event())
        if action == AWAIT_MESSAGES:
            return await self._await(json.loads(body), host, gone or asyncio.Event())
        answer = await _call(action, body, host)
        if action in _WAKING:
            # Waking all queues is cheap: there are a handful, and each looks once.
            for arrived in self._arrived.values():
                arrived.set()
        return answer

    async def send(self, queue: str, message: object, host: str) -> None:
        """Put a message, given as a JSON document, into the queue of that name.

        Raises:
            LookupError: there is no such queue.
        """
        _, _, found = await _call("GetQueueUrl", json.dumps({"QueueName": queue}).encode(), host)
        url = json.loads(found).get("QueueUrl")
        if url is None:
            raise LookupError(f"there is no queue {queue!r}")
        request = {"QueueUrl": url, "MessageBody": json.dumps(message)}
        await self.handle("SendMessage", json.dumps(request).encode(), host)

    def close(self) -> None:
        """Have whoever waits for messages go away without."""
        self._closed = True
        for arrived in self._arrived.values():
            arrived.set()

    async def _await(self, request: dict[str, Any], host: str, gone: asyncio.Event) -> Answer:
        """Answer with those of `QueueNames` that have messages, within `WaitTimeSeconds`."""

        async def look() -> tuple[bool, Answer]:
            names = [name for name in request["QueueNames"] if await _has_messages(name, host)]
            return bool(names), _json_answer({"QueueNames": names})

        return await self._look_until(look, request, self._arrived[AWAIT_MESSAGES], gone)

    async def _receive(self, request: dict[str, Any], host: str, gone: asyncio.Event) -> Answer:
        body = json.dumps({**request, "WaitTimeSeconds": 0}).encode()

        url = request.get("QueueUrl", "")

        async def look() -> tuple[bool, Answer]:
            with contextlib.suppress(sqs._Err):  # there is no such queue: the answer says so
                self._order.arrange(url)
            answer = await _call("ReceiveMessage", body, host)
            if answer[0] != 200:
                return True, answer
            messages = json.loads(answer[2]).get("Messages") or []
            self._order.note(url, [message["Body"] for message in messages])
            return bool(messages), answer

        return await self._look_until(look, request, self._arrived[url], gone)

    async def _look_until(
        self,
        look: Callable[[], Awaitable[tuple[bool, Answer]]],
        request: dict[str, Any],
        arrived: asyncio.Event,
        gone: asyncio.Event,
    ) -> Answer:
        """Look, and again whenever something has arrived, until there is something or the time is over."""
        until = time.monotonic() + int(request.get("WaitTimeSeconds", 0))
        while True:
            arrived.clear()
            if gone.is_set() or self._closed:
                return _json_answer({})
            found, answer = await look()
            left_s = until - time.monotonic()
            if found or left_s <= 0:
                return answer
            waiting = [asyncio.ensure_future(event.wait()) for event in (arrived, gone)]
            await asyncio.wait(
                waiting, timeout=min(left_s, _LOOK_AGAIN_S), return_when=asyncio.FIRST_COMPLETED
            )
            for task in waiting:
                task.cancel()


async def _has_messages(queue: str, host: str) -> bool:
    """Tell whether a queue would give a message now; one that is not there has none."""
    status, _, found = await _call("GetQueueUrl", json.dumps({"QueueName": queue}).encode(), host)
    if status != 200:
        return False
    wanted = {"QueueUrl": json.loads(found)["QueueUrl"], "AttributeNames": [_VISIBLE]}
    status, _, told = await _call("GetQueueAttributes", json.dumps(wanted).encode(), host)
    return status == 200 and int(json.loads(told)["Attributes"][_VISIBLE]) > 0


def _json_answer(document: dict[str, Any]) -> Answer:
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(document).encode()


async def _call(action: str, body: bytes, host: str) -> Answer:
    headers = {"x-amz-target": TARGET_PREFIX + action, "host": host}
    answer: Answer = await sqs.handle_request("POST", "/", headers, body, {})
    return answer
