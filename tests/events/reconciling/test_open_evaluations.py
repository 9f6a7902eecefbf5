"""Test sets and evaluations that nobody would work on any more are taken up again."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.evaluation import evaluations, statuses, test_sets
from chalicelib.evaluation.evaluations import Material
from chalicelib.events.reconciling import open_evaluations
from chalicelib.storage import queues, tables
from chalicelib.storage.conditional import write
from tests.custom_models import OWNER

QUEUE = "attune-evaluation-due"


@pytest.fixture(autouse=True)
def _clients() -> None:
    queues.client.cache_clear()
    queues.url_of.cache_clear()


def _announced() -> list[dict[str, Any]]:
    """Take everything out of the queue."""
    url, found = queues.url_of(QUEUE), []
    while messages := queues.client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append({**json.loads(message["Body"]), "owner": ""})
            queues.client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def _forgotten(age: timedelta, pieces: int = 0) -> tables.Evaluation:
    """Make an evaluation whose messages were lost."""
    row = evaluations.create(OWNER, "", Material(evaluations.TEST_SET, "set"), [], None)
    then = datetime.now(UTC) - age
    if pieces:
        write(statuses.cut(row, pieces, then))
    row.update(actions=[tables.Evaluation.updated.set(then)])
    _announced()
    return row


def _reconciled(*, messages_lost: bool = False) -> tuple[int, int]:
    return open_evaluations.look_after(time.monotonic() + 60, 300.0, messages_lost=messages_lost)


def test_lost_messages_are_sent_again() -> None:
    waiting = _forgotten(timedelta(minutes=2))
    begun = _forgotten(timedelta(minutes=2), pieces=3)
    write(statuses.piece_done(begun, 1, datetime.now(UTC) - timedelta(minutes=2)))
    recent = _forgotten(timedelta(seconds=5))
    made = test_sets.create(
        OWNER, test_sets.new_id(), name="", size_bytes=1, contained_content_type=None, customer_id=None
    )
    _announced()
    assert _reconciled() == (4, 0)
    expected: list[dict[str, Any]] = [{"owner": "", "evaluation": waiting.evaluation_id}]
    expected += [{"owner": "", "evaluation": begun.evaluation_id, "piece": piece} for piece in (0, 2)]
    assert sorted(_announced(), key=str) == sorted(expected, key=str)
    assert _reconciled(messages_lost=True) == (4, 0)
    announced = _announced()
    assert {"owner": "", "evaluation": recent.evaluation_id} in announced
    assert {"owner": "", "test_set": made.test_set_id} in announced
    _reconciled()
    assert _announced() == [], "they were sent a moment ago"


def test_while_the_queue_is_full_the_reconciler_is_patient() -> None:
    _forgotten(timedelta(minutes=30))
    late = _forgotten(timedelta(hours=3))
    queues.send(QUEUE, {"owner": OWNER, "evaluation": "another"})
    _reconciled()
    assert {one["evaluation"] for one in _announced()} == {"another", late.evaluation_id}


def test_what_had_no_capacity_for_a_day_fails_with_the_reason() -> None:
    row = _forgotten(timedelta(hours=25), pieces=2)
    assert _reconciled() == (1, 0)
    shown = evaluations.get(OWNER, row.evaluation_id)
    assert (shown.status, shown.error) == ("failed", open_evaluations.NO_CAPACITY)
    assert _reconciled() == (0, 0)
