"""Test sets: taken in, read once, found, listed, removed, with everything that belongs to them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

from chalicelib import settings
from chalicelib.evaluation import limits
from chalicelib.evaluation.errors import TooMany, UnknownTestSet
from chalicelib.evaluation.statuses import SetStatus
from chalicelib.jobs.recognition_jobs import new_id
from chalicelib.storage import failures, objects, queues, rounds
from chalicelib.storage.conditional import ConditionFailed, Delete, Put, Update, write
from chalicelib.storage.layout import TestSetKey
from chalicelib.storage.tables import TestSet

__all__ = ["check_room", "create", "delete", "find", "get", "key_of", "new_id", "of_owner"]

_log = logging.getLogger(__name__)


def check_room(owner: str) -> None:
    """Refuse what an owner has no room for.

    Raises:
        TooMany: there are 100 test sets already.
    """
    if TestSet.count(owner, consistent_read=True) >= limits.TEST_SETS_PER_OWNER:
        raise TooMany(
            f"You have {limits.TEST_SETS_PER_OWNER} test sets, the most that one may have. Delete one first."
        )


def create(
    owner: str,
    test_set_id: str,
    *,
    name: str,
    size_bytes: int,
    contained_content_type: str | None,
    customer_id: str | None,
) -> TestSet:
    """Take in a test set whose archive lies in the bucket already, and have it read.

    Args:
        owner: of the set.
        test_set_id: from `new_id`.
        name: for its user.
        size_bytes: of the archive.
        contained_content_type: of the recordings; None: they say it themselves.
        customer_id: label of whose data it is.

    Raises:
        TooMany: there are 100 test sets already; counted afterwards, whoever else makes one at this moment.
    """
    now = datetime.now(UTC)
    row = TestSet(
        owner,
        test_set_id,
        name=name,
        status=SetStatus.PROCESSING,
        created=now,
        updated=now,
        size_bytes=size_bytes,
        contained_content_type=contained_content_type,
        customer_id=customer_id,
    )
    with contextlib.suppress(ConditionFailed):  # of a new id: a try whose answer was lost did it
        write(Put(row, TestSet.test_set_id.does_not_exist()))
    if TestSet.count(owner, consistent_read=True) > limits.TEST_SETS_PER_OWNER:
        write(Delete(row, TestSet.test_set_id.exists()))
        check_room(owner)
    try:
        announce(row)
    except failures.FAILURES:
        # It is taken in: the reconciler announces it again.
        _log.warning("test set %s could not be announced", test_set_id, exc_info=True)
    return row


def announce(row: TestSet) -> None:
    """Have somebody read a test set."""
    queues.send(settings.current().evaluation_queue, {"owner": row.owner, "test_set": row.test_set_id})


def note_announced(row: TestSet, now: datetime) -> None:
    """Remember that its message was sent again, so that it is not sent again at once."""
    with contextlib.suppress(ConditionFailed):  # it is gone
        write(Update(row, TestSet.test_set_id.exists(), [TestSet.announced.set(now)]))


def find(owner: str, test_set_id: str) -> TestSet | None:
    """Return a test set; None: there is no such one."""
    try:
        return TestSet.get(owner, test_set_id, consistent_read=True)
    except TestSet.DoesNotExist:
        return None


def get(owner: str, test_set_id: str) -> TestSet:
    """Return a test set.

    Raises:
        UnknownTestSet: the owner has no such one.
    """
    row = find(owner, test_set_id)
    if row is None:
        raise UnknownTestSet(test_set_id)
    return row


def of_owner(owner: str) -> list[TestSet]:
    """Return the owner's test sets, newest first."""
    return list(TestSet.query(owner, scan_index_forward=False, consistent_read=True))


def delete(owner: str, test_set_id: str) -> None:
    """Remove a test set; an evaluation that is at work on it fails.

    Raises:
        UnknownTestSet: there is no such one.
    """
    row = get(owner, test_set_id)
    with contextlib.suppress(ConditionFailed):  # gone: a try whose answer was lost did it, or somebody else
        write(Delete(row, TestSet.test_set_id.exists()))
    clear_away(row)


def clear_away(row: TestSet) -> None:
    """Remove the objects of a test set whose row is gone; what cannot be removed now goes as an orphan."""
    try:
        objects.delete_below(key_of(row).prefix)
    except failures.FAILURES:
        _log.warning("could not clear away test set %s", row.test_set_id, exc_info=True)


def erase(owner: str, customer_id: str, until: datetime) -> bool:
    """Remove the labelled test sets that were made before a moment; always succeeds."""
    labelled = TestSet.query(owner, filter_condition=TestSet.customer_id == customer_id, consistent_read=True)
    for row in labelled:
        if row.created <= until:
            objects.delete_below(key_of(row).prefix)
            row.delete()
    return True


def unread(every_s: float) -> Iterator[TestSet]:
    """Yield the test sets of all owners that are to be read, of very many a share; see `rounds`."""
    yield from rounds.this_round(TestSet, TestSet.status == SetStatus.PROCESSING, every_s)


def key_of(row: TestSet) -> TestSetKey:
    """Return where the objects of a test set lie."""
    return TestSetKey(row.owner, row.test_set_id)
