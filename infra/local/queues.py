"""ministack's SQS queues, woken up by what arrives instead of looking again and again."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from typing import Any

from ministack.services import sqs

from infra.local.tables import Answer

TARGET_PREFIX = "AmazonSQS."
_LOOK_AGAIN_S = 1.0
"""Messages also become visible by time alone: delays, and receives that were never confirmed."""
_WAKING = frozenset({"SendMessage", "SendMessageBatch", "ChangeMessageVisibility", "CreateQueue"})


class Queues:
    """The queues of this process. They are volatile: the reconciler rebuilds lost work from the tables."""

    def __init__(self) -> None:
        self._arrived: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._closed = False

    async def handle(self, action: str, body: bytes, host: str, gone: asyncio.Event | None = None) -> Answer:
        """Answer one request of SQS's JSON protocol; `host` is the one the client used.

        `gone` tells that nobody waits for the answer any more: messages are not for the dead.
        """
        if action == "ReceiveMessage":
            return await self._receive(json.loads(body), host, gone or asyncio.Event())
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

    async def _receive(self, request: dict[str, Any], host: str, gone: asyncio.Event) -> Answer:
        until = time.monotonic() + int(request.get("WaitTimeSeconds", 0))
        body = json.dumps({**request, "WaitTimeSeconds": 0}).encode()
        arrived = self._arrived[request.get("QueueUrl", "")]
        while True:
            arrived.clear()
            if gone.is_set() or self._closed:
                return 200, {"Content-Type": "application/x-amz-json-1.0"}, b"{}"
            answer = await _call("ReceiveMessage", body, host)
            left_s = until - time.monotonic()
            if left_s <= 0 or answer[0] != 200 or json.loads(answer[2]).get("Messages"):
                return answer
            waiting = [asyncio.ensure_future(event.wait()) for event in (arrived, gone)]
            await asyncio.wait(
                waiting, timeout=min(left_s, _LOOK_AGAIN_S), return_when=asyncio.FIRST_COMPLETED
            )
            for task in waiting:
                task.cancel()


async def _call(action: str, body: bytes, host: str) -> Answer:
    headers = {"x-amz-target": TARGET_PREFIX + action, "host": host}
    answer: Answer = await sqs.handle_request("POST", "/", headers, body, {})
    return answer
