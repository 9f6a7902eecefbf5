"""Conditional writes: all or nothing, and patience where rows are contended."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from pynamodb.exceptions import PynamoDBException

from chalicelib.storage import conditional, connection
from chalicelib.storage.conditional import Change, ConditionFailed, Contended, Delete, Put, Update, write
from chalicelib.storage.tables import Credential


def row(owner: str = "owner") -> Credential:
    return Credential(uuid.uuid4().hex, owner=owner, label="", created=datetime.now(UTC))


def stored(one: Credential) -> Credential | None:
    try:
        return Credential.get(one.key_hash, consistent_read=True)
    except Credential.DoesNotExist:
        return None


def new(owner: str = "owner") -> Credential:
    made = row(owner)
    write(Put(made, Credential.key_hash.does_not_exist()))
    return made


def relabel(one: Credential, label: str, owner: str = "owner") -> Update:
    return Update(one, Credential.owner == owner, [Credential.label.set(label)])


class Refusals:
    """Lets the store refuse writes with given codes before it takes one."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.seen = 0
        events = connection.shared().client.meta.events
        events.register("before-call.dynamodb.UpdateItem", self._one)
        events.register("before-call.dynamodb.TransactWriteItems", self._together)

    def _one(self, **_: Any) -> Any:
        self.seen += 1
        return self._answer({"Code": f"{self.codes.pop(0)}Exception"}) if self.codes else None

    def _together(self, **_: Any) -> Any:
        self.seen += 1
        if not self.codes:
            return None
        reasons = [{"Code": self.codes.pop(0)}, {"Code": "None"}]
        return self._answer({"Code": "TransactionCanceledException"}, CancellationReasons=reasons)

    def _answer(self, error: dict[str, str], **more: Any) -> Any:
        parsed = {"Error": error | {"Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 400}, **more}
        return AWSResponse("", 400, {}, None), json.loads(json.dumps(parsed))  # type: ignore[arg-type]


@pytest.fixture
def refusals(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Refusals]:
    monkeypatch.setattr(conditional, "_LONGEST_PAUSE_S", 0.005)
    connection.shared.cache_clear()
    yield Refusals()
    connection.shared.cache_clear()


def test_a_row_is_made_changed_and_removed(account: None) -> None:
    one = new()
    change = relabel(one, "changed")
    write(change)
    assert one.label == "changed"  # refreshed
    found = stored(one)
    assert found is not None
    assert found.label == "changed"
    write(Delete(one, Credential.label == "changed"))
    assert stored(one) is None


@pytest.mark.parametrize("kind", ["put", "update", "delete"])
def test_a_condition_that_does_not_hold_changes_nothing(account: None, kind: str) -> None:
    one = new()
    other = Credential(one.key_hash, owner="other", label="x", created=one.created)
    changes: dict[str, Change] = {
        "put": Put(other, Credential.key_hash.does_not_exist()),
        "update": relabel(other, "changed", owner="other"),
        "delete": Delete(other, Credential.owner == "other"),
    }
    with pytest.raises(ConditionFailed):
        write(changes[kind])
    found = stored(one)
    assert found is not None
    assert (found.owner, found.label) == ("owner", "")


def test_an_update_makes_no_row(account: None) -> None:
    one = row()
    with pytest.raises(ConditionFailed):
        write(relabel(one, "changed"))
    assert stored(one) is None


def test_changes_together_all_happen(account: None) -> None:
    first, second, third = new(), new(), row()
    write(
        relabel(first, "changed"),
        Delete(second, Credential.owner == "owner"),
        Put(third, Credential.key_hash.does_not_exist()),
    )
    changed = stored(first)
    assert changed is not None
    assert changed.label == "changed"
    assert stored(second) is None
    assert stored(third) is not None


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_changes_together_or_not_at_all(account: None, failing: int) -> None:
    first, second, third = new(), new(), row()
    owners = ["owner"] * 3
    owners[failing] = "somebody else"
    with pytest.raises(ConditionFailed):
        write(
            relabel(first, "changed", owners[0]),
            Delete(second, Credential.owner == owners[1]),
            Put(
                third,
                Credential.key_hash.does_not_exist() if failing != 2 else Credential.key_hash.exists(),
            ),
        )
    unchanged = stored(first)
    assert unchanged is not None
    assert unchanged.label == ""
    assert stored(second) is not None
    assert stored(third) is None


@pytest.mark.parametrize("together", [False, True])
def test_contended_rows_are_tried_again(refusals: Refusals, together: bool) -> None:
    one, other = new(), new()
    changes = [relabel(one, "changed"), relabel(other, "changed")][: 2 if together else 1]
    refusals.codes = ["TransactionConflict"] * 3
    refusals.seen = 0
    write(*changes)
    assert refusals.seen == 4
    found = stored(one)
    assert found is not None
    assert found.label == "changed"


@pytest.mark.parametrize("together", [False, True])
def test_patience_has_an_end(refusals: Refusals, together: bool) -> None:
    one, other = new(), new()
    changes = [relabel(one, "changed"), relabel(other, "changed")][: 2 if together else 1]
    refusals.codes = ["TransactionConflict"] * 100
    refusals.seen = 0
    with pytest.raises(Contended):
        write(*changes)
    assert 5 <= refusals.seen <= 20
    found = stored(one)
    assert found is not None
    assert found.label == ""


def test_a_failed_condition_beats_a_conflict(refusals: Refusals) -> None:
    one, other = new(), new()
    refusals.codes = ["ConditionalCheckFailed"]
    with pytest.raises(ConditionFailed):
        write(relabel(one, "changed"), relabel(other, "changed"))


@pytest.mark.parametrize("together", [False, True])
def test_other_failures_are_not_hidden(refusals: Refusals, together: bool) -> None:
    one, other = new(), new()
    changes = [relabel(one, "changed"), relabel(other, "changed")][: 2 if together else 1]
    refusals.codes = ["Validation"]
    refusals.seen = 0
    with pytest.raises(PynamoDBException):
        write(*changes)
    assert refusals.seen == 1
