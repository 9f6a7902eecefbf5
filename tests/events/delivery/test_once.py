from __future__ import annotations

import boto3
import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError

from chalicelib.events.delivery.once import once

CALLS: list[str] = []


def _work(identity: dict[str, str], outcome: str = "done") -> None:
    CALLS.append(outcome)
    if outcome == "fails":
        raise RuntimeError(outcome)
    if outcome == "recursive":
        once(_work, identity, outcome="again")


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def test_success_is_remembered() -> None:
    for _ in range(3):
        once(_work, {"job": "a", "status": "Completed"})
    once(_work, {"job": "a", "status": "Failed"}, outcome="other")
    assert CALLS == ["done", "other"]


def test_failure_is_not() -> None:
    for outcome in ("fails", "done"):
        try:
            once(_work, {"job": "b"}, outcome=outcome)
        except RuntimeError:
            CALLS.append("raised")
    assert CALLS == ["fails", "raised", "done"]


def test_what_is_being_done_has_to_wait() -> None:
    with pytest.raises(IdempotencyAlreadyInProgressError):
        once(_work, {"job": "c"}, outcome="recursive")
    assert CALLS == ["recursive"]


def test_records_expire() -> None:
    once(_work, {"job": "d"})
    (row,) = boto3.client("dynamodb").scan(TableName="attune-idempotency")["Items"]
    assert int(row["expiration"]["N"]) > 0


def test_who_died_does_not_block_for_long() -> None:
    once(_work, {"job": "e"})
    table = boto3.client("dynamodb")
    (row,) = table.scan(TableName="attune-idempotency")["Items"]
    assert int(row["in_progress_expiration"]["N"]) <= int(row["expiration"]["N"]) * 1000 - 3_500_000
    row["status"] = {"S": "INPROGRESS"}
    table.put_item(TableName="attune-idempotency", Item=row)
    with pytest.raises(IdempotencyAlreadyInProgressError):
        once(_work, {"job": "e"})
    row["in_progress_expiration"] = {"N": "1"}
    table.put_item(TableName="attune-idempotency", Item=row)
    once(_work, {"job": "e"}, outcome="taken over")
    assert CALLS == ["done", "taken over"]
