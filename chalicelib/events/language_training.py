"""A custom language model is to be trained."""

from __future__ import annotations

import json
import time
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.events.delivery import messages, telemetry
from chalicelib.training import language_model

_LOOKED_AT = 4
"""So often a message comes for a run that somebody is at: for longer than it takes to tell a dead one."""

_processor = messages.new_processor()


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Do the run that each message of a batch names; one at a time takes it up, however often it comes."""
    return messages.handle(event, context, _processor, _train)


def _train(record: SQSRecord) -> None:
    message, receives = json.loads(record.body), messages.receives(record)
    began_s = time.monotonic()
    try:
        trained = language_model.perform(
            message["owner"],
            message["id"],
            message["run"],
            last_attempt=receives >= messages.MAX_RECEIVES,
        )
    except language_model.BeingDone:
        if receives < _LOOKED_AT:
            raise
        trained = False  # whoever does it is alive, or the reconciler finds that it is not
    telemetry.logger.info("language model", extra={"customization_id": message["id"], "trained": trained})
    if trained:
        telemetry.count("LanguageModelsTrained")
        telemetry.measure_s("LanguageTrainingTime", time.monotonic() - began_s)
