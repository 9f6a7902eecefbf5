"""Keeps messages hidden for as long as their function is at work, and hardly longer.

Lambda takes no queue that hides messages for less time than its function may take. Left at that, the
message of a function that was killed (for its memory, or by its time limit) would be lost for over an hour.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.events.delivery import telemetry
from chalicelib.storage.queues import client, url_of

LEASE_S = 60
"""So long after its function was killed a message comes back."""
RENEW_EVERY_S = 20.0
_ON_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"
"""Where this is not set, whoever calls the function sees to it that messages are hidden."""


@contextmanager
def held(records: Sequence[dict[str, Any]]) -> Iterator[None]:
    """Hide the messages of an event while the block runs; when it ends they are the poller's again."""
    if not os.environ.get(_ON_LAMBDA) or not records:
        yield
        return
    _renew(records)
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEW_EVERY_S):
            _renew(records)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _renew(records: Sequence[dict[str, Any]]) -> None:
    queue = records[0]["eventSourceARN"].rpartition(":")[2]
    try:
        for record in records:
            client().change_message_visibility(
                QueueUrl=url_of(queue), ReceiptHandle=record["receiptHandle"], VisibilityTimeout=LEASE_S
            )
    except (ClientError, BotoCoreError):
        # Then it stays hidden for as long as before, and may be handed out twice; neither does harm.
        telemetry.logger.warning("messages could not be kept hidden", exc_info=True)
