"""What the process of an event function does: takes messages and hands them to the function."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.local import events

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_LOG = logging.getLogger(__name__)
_LONG_POLL_S = 20
_LEASE_S = 10
"""How long messages stay hidden. Renewed while the function works: those of a killed one come back soon."""
_RENEW_EVERY_S = 3.0
_RETRY_S = 0.5
_MAX_PAUSE_S = 60
_CALLS = 5
_BETWEEN_CALLS_S = 1.0


class Dispatcher:
    """Carries messages from one queue to one function."""

    def __init__(self, client: SQSClient, function: events.QueueFunction) -> None:
        self._client = client
        self._function = function
        self._url = client.get_queue_url(QueueName=function.queue)["QueueUrl"]
        self.busy = False

    def once(self, wait_s: int = _LONG_POLL_S) -> int:
        """Wait for messages, hand them over, and return how many there were.

        What succeeded is deleted; what failed comes back after a pause that grows, and lands in the
        dead-letter queue after as many receives as the queue allows.
        """
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=self._function.batch_size,
            WaitTimeSeconds=wait_s,
            VisibilityTimeout=_LEASE_S,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        if messages:
            self.busy = True
            with self._renewed(messages):
                failed = self._call(messages)
            self._settle(messages, failed)
            self.busy = False
        return len(messages)

    def _call(self, messages: list[MessageTypeDef]) -> set[str]:
        """Return the ids of the messages that the function could not deal with."""
        everything = {message["MessageId"] for message in messages}
        event = events.queue_event(self._function.queue, messages)
        try:
            result = self._function.handler(event, events.Context(self._function.name))
        except Exception:  # noqa: BLE001  like Lambda: whatever a function raises fails its batch, not the poller
            _LOG.exception("%s failed", self._function.name)
            return everything
        failures = (result or {}).get("batchItemFailures", [])
        failed = {failure.get("itemIdentifier", "") for failure in failures}
        # As in Lambda, an identifier that is not in the batch fails all of it.
        return failed if failed <= everything else everything

    def _settle(self, messages: list[MessageTypeDef], failed: set[str]) -> None:
        for message in messages:
            receipt = message["ReceiptHandle"]
            if message["MessageId"] not in failed:
                self._client.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)
                continue
            received = int(message["Attributes"]["ApproximateReceiveCount"])
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=min(2**received, _MAX_PAUSE_S)
            )

    @contextlib.contextmanager
    def _renewed(self, messages: list[MessageTypeDef]) -> Iterator[None]:
        """Keep the messages hidden from others for as long as the block runs."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(_RENEW_EVERY_S):
                for message in messages:
                    # A store that restarts has forgotten the message; the function's work still counts.
                    with contextlib.suppress(BotoCoreError, ClientError):
                        self._client.change_message_visibility(
                            QueueUrl=self._url,
                            ReceiptHandle=message["ReceiptHandle"],
                            VisibilityTimeout=_LEASE_S,
                        )

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def queue_client() -> SQSClient:
    """Return a client that can wait for messages."""
    return boto3.client("sqs", config=Config(read_timeout=_LONG_POLL_S + 10, retries={"max_attempts": 0}))


def serve_queue(client: SQSClient, function: events.QueueFunction, idle_s: float) -> None:
    """Work until SIGTERM, or until no message has come for so long."""
    dispatcher: Dispatcher | None = None
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        if dispatcher is None or not dispatcher.busy:
            sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    wait_s = min(_LONG_POLL_S, max(1, round(idle_s)))
    worked_s = time.monotonic()
    while not stopping and time.monotonic() - worked_s < idle_s:
        try:
            dispatcher = dispatcher or Dispatcher(client, function)
            if dispatcher.once(wait_s):
                worked_s = time.monotonic()
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("%s cannot reach its queue: %s", function.name, error)
            dispatcher = None
            time.sleep(_RETRY_S)


def call(function: events.ScheduledFunction, occasion: events.Occasion) -> None:
    """Call a function of the clock, and tell it why; where messages were lost, until it has looked after all.

    What it fails at then would wait for its next time, minutes later.
    """
    for _ in range(_CALLS if occasion is events.Occasion.MESSAGES_LOST else 1):
        event = events.scheduled_event(function.name, datetime.now(UTC), occasion)
        try:
            answer = function.handler(event, events.Context(function.name))
            if not (answer or {}).get("failed"):
                return
        except Exception:  # noqa: BLE001  like Lambda: a failed call is logged, the next one comes in its time
            _LOG.exception("%s failed", function.name)
        time.sleep(_BETWEEN_CALLS_S)
