"""Messages of a queue: each is handled by itself; what fails is reported, and comes again soon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.events.delivery import lease, telemetry
from chalicelib.storage.queues import client, url_of

__all__ = ["MAX_RECEIVES", "client", "handle", "new_processor", "receives", "url_of"]

MAX_RECEIVES = 5
"""After that many a message goes to the dead-letter queue (see infra/template.json)."""
RETRY_AFTER_S = 10
"""Times the number of receives. Without it, a failed message stays hidden for the queue's whole timeout."""


def new_processor() -> BatchProcessor:
    """Return a processor; each function needs its own, for it has a memory."""
    return BatchProcessor(
        EventType.SQS, raise_on_entire_batch_failure=False, logger=cast(Any, telemetry.logger)
    )


def receives(record: SQSRecord) -> int:
    """Return how often a message has been handed out, this time included."""
    return int(record.attributes.approximate_receive_count)


def handle(
    event: dict[str, Any],
    context: object,
    processor: BatchProcessor,
    handle_record: Callable[[SQSRecord], None],
) -> dict[str, Any]:
    """Handle each message of a batch; the answer names those that failed and must come again."""
    telemetry.logger.info("messages", extra={"count": len(event["Records"])})
    with lease.held(event["Records"]):
        answer = process_partial_response(event, handle_record, processor, cast(Any, context))
    for record in processor.fail_messages:
        telemetry.count("MessagesFailed")
        _retry_soon(cast(SQSRecord, record))
    telemetry.flush()
    return cast(dict[str, Any], answer)


def _retry_soon(record: SQSRecord) -> None:
    queue = record.event_source_arn.rpartition(":")[2]
    try:
        client().change_message_visibility(
            QueueUrl=url_of(queue),
            ReceiptHandle=record.receipt_handle,
            VisibilityTimeout=RETRY_AFTER_S * receives(record),
        )
    except (ClientError, BotoCoreError):
        # Then it comes back when the queue's timeout is over.
        telemetry.logger.warning("a failed message will be late", exc_info=True)
