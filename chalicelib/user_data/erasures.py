"""Removes everything with a customer's label: asked for once, carried on until it is done."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from chalicelib.callbacks import registrations
from chalicelib.customization import labelled
from chalicelib.direct_uploads import uploads
from chalicelib.evaluation import evaluations, test_sets
from chalicelib.jobs import recognition_jobs
from chalicelib.storage.conditional import ConditionFailed, Delete, write
from chalicelib.storage.tables import Erasure

_log = logging.getLogger(__name__)

Erase = Callable[[str, str, datetime], bool]
"""Takes the owner, the label, and the moment of the request: what was made later stays. Removes what it can
and returns whether nothing is left; may be called again. It has the effects of the matching DELETE call."""

KINDS: tuple[Erase, ...] = (
    uploads.erase,
    recognition_jobs.erase,
    evaluations.erase,
    test_sets.erase,
    registrations.erase,
    labelled.erase_audio,
    labelled.erase_language_resources,
    labelled.erase_words,
)
"""A room that keeps data under a label adds its function here."""


def request(owner: str, customer_id: str) -> bool:
    """Have everything removed that bears the label now; returns whether it is done already.

    What cannot be removed at once, because a model is being trained or the store fails, goes by `carry_on`.
    """
    row = Erasure(owner, _label_hash(customer_id), customer_id=customer_id, requested=datetime.now(UTC))
    row.save()  # an earlier request for the same label is part of this one
    return _carry_out(row)


def carry_on(deadline_s: float) -> int:
    """Go on with what was asked for, until a moment of the monotonic clock; return how many are not done."""
    left = 0
    for row in Erasure.scan():
        if time.monotonic() > deadline_s or not _carry_out(row):
            left += 1
    return left


def _carry_out(row: Erasure) -> bool:
    done = True
    for erase in KINDS:
        try:
            done &= erase(row.owner, row.customer_id, row.requested)
        except Exception:  # noqa: BLE001  the trouble with one kind must not keep the others
            _log.exception("an erasure will be carried on later")
            done = False
    if done:
        try:
            write(Delete(row, Erasure.requested == row.requested))
        except ConditionFailed:  # asked for once more meanwhile
            return False
    return done


def _label_hash(customer_id: str) -> str:
    return hashlib.sha256(customer_id.encode()).hexdigest()
