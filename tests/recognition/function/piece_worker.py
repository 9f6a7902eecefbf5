"""A process that works on the recognition queue as the functions do on Lambda, with an engine of its own.

Arguments: the path of a file that it adds a line to for each piece that it has decoded; and `dies` for one that is
killed then. It says when it is ready, and begins when it is sent a line.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from chalicelib.events import recognition_queued
from chalicelib.events.delivery import lease
from chalicelib.recognition.function import handler
from chalicelib.recognition.request import backend
from chalicelib.settings import current
from chalicelib.storage import queues

_POLL_S = 1


def _invoke(event: dict[str, Any], _: backend.Told | None) -> dict[str, Any]:
    """Stand for Lambda, which would have an environment of its own do it."""
    answer = handler.handle(event)
    piece = event["step"].get("piece")
    if piece is not None:
        with Path(sys.argv[1]).open("a") as log:
            log.write(f"{piece} {os.getpid()}\n")
        if sys.argv[2:] == ["dies"]:
            os.kill(os.getpid(), signal.SIGKILL)
    return answer


def _event(message: Any, queue: str) -> dict[str, Any]:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
    }
    return {"Records": [record]}


def main() -> None:
    """Work until the process is ended."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one decoding process for each of these
    vars(backend)["_invoke"] = _invoke
    if sys.argv[2:] == ["dies"]:
        vars(lease).update(LEASE_S=2, RENEW_EVERY_S=0.5)  # what it was at comes back soon
    queue = current().recognition_queue
    url = queues.url_of(queue)
    print("ready", flush=True)
    sys.stdin.readline()
    while True:
        found = queues.client().receive_message(
            QueueUrl=url, WaitTimeSeconds=_POLL_S, MessageSystemAttributeNames=["All"]
        )
        for message in found.get("Messages", ()):
            if not recognition_queued.handle(_event(message, queue), None)["batchItemFailures"]:
                queues.client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    main()
