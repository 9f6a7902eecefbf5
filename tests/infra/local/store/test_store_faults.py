"""A disk that fails: whatever was acknowledged is there after a kill, and nothing is told that is not on it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.store import journal
from tests.local.running import RunningStore, running_store

_BUCKET, _TABLE = "things", "rows"
_FAULTS = (
    ("pwrite EIO", 500),
    ("fdatasync EIO", 500),
    ("pwrite ENOSPC", 507),
    ("fdatasync ENOSPC", 507),
    ("fdatasync EDQUOT", 507),
)


_FAULTS_AT_RANDOM = [fault for fault, _ in _FAULTS] + ["fdatasync EIO\nftruncate EIO", "fsync EIO"]


class _Disk:
    """A store, and what its disk refuses."""

    def __init__(self, store: RunningStore, faults: Path) -> None:
        self.store = store
        self._faults = faults
        self.tables = store.client("dynamodb")
        self.s3 = store.client("s3")

    def refuse(self, what: str) -> None:
        self._faults.write_text(what)

    def put(self, key: str, value: str) -> None:
        """Make a row that must not be there yet."""
        self.tables.put_item(
            TableName=_TABLE,
            Item={"id": {"S": key}, "value": {"S": value}},
            ConditionExpression="attribute_not_exists(id)",
        )

    def remove(self, key: str) -> None:
        self.tables.delete_item(TableName=_TABLE, Key={"id": {"S": key}})

    def rows(self) -> dict[str, str]:
        items = self.tables.scan(TableName=_TABLE, ConsistentRead=True)["Items"]
        return {item["id"]["S"]: item["value"]["S"] for item in items}

    def store_object(self, key: str, body: bytes, **more: str) -> None:
        self.s3.put_object(Bucket=_BUCKET, Key=key, Body=body, **more)

    def objects(self) -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket=_BUCKET).get("Contents", [])
        return {
            one["Key"]: self.s3.get_object(Bucket=_BUCKET, Key=one["Key"])["Body"].read() for one in listed
        }

    def empty(self) -> None:
        self.refuse("")
        for key in self.rows():
            self.remove(key)
        for key in self.objects():
            self.s3.delete_object(Bucket=_BUCKET, Key=key)


@pytest.fixture(scope="module")
def _disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Disk]:
    folder = tmp_path_factory.mktemp("faults")
    faults = folder / "faults"
    with running_store(folder, module="tests.infra.local.store.store_of_tests", FAULTS=str(faults)) as store:
        one = _Disk(store, faults)
        one.s3.create_bucket(Bucket=_BUCKET)
        store.create_table(_TABLE)
        yield one


@pytest.fixture
def disk(_disk: _Disk) -> Iterator[_Disk]:
    yield _disk
    _disk.empty()


def _refused(order: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(ClientError) as refusal:
        order()
    answer: Any = refusal.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.mark.parametrize(("fault", "status"), _FAULTS)
def test_a_write_that_the_disk_refuses_is_refused_however_often_it_is_tried(
    disk: _Disk, fault: str, status: int
) -> None:
    disk.put("kept", "a")
    disk.store_object("kept", b"a")
    disk.refuse(fault)
    for _ in range(2):  # the second one meets what the first one has left
        assert _refused(lambda: disk.put("new", "b"))[0] == status
        assert _refused(lambda: disk.store_object("kept", b"b"))[0] == status
        assert _refused(lambda: disk.store_object("new", b"b", IfNoneMatch="*"))[0] == status
    assert disk.rows()["kept"] == "a"
    disk.store.restart()
    assert disk.rows() == {"kept": "a"}
    assert disk.objects() == {"kept": b"a"}


@pytest.mark.parametrize("fault", ["pwrite EIO", "fdatasync EIO", "fdatasync ENOSPC"])
def test_when_the_disk_is_well_again_everything_goes_on_and_what_is_told_is_on_it(
    disk: _Disk, fault: str
) -> None:
    disk.refuse(fault)
    _refused(lambda: disk.put("new", "b"))
    disk.refuse("")
    # The order that had no success is obeyed now, and says so in DynamoDB's way.
    assert _refused(lambda: disk.put("new", "b")) == (400, "ConditionalCheckFailedException")
    disk.put("next", "c")
    disk.store_object("next", b"c")
    disk.store.restart()
    assert disk.rows() == {"new": "b", "next": "c"}
    assert disk.objects() == {"next": b"c"}


def test_the_journal_outlives_faults_and_kills_at_random(disk: _Disk) -> None:
    chance = random.Random(11)
    rows: dict[str, set[str | None]] = {}
    for _ in range(4):
        for number in range(25):
            disk.refuse(chance.choice(["", "", chance.choice(_FAULTS_AT_RANDOM)]))
            key, value = f"k{chance.randrange(6)}", f"v{number}"
            possible = rows.setdefault(key, {None})
            try:
                if chance.random() < 0.6:
                    disk.put(key, value)
                    assert None in possible
                    rows[key] = {value}
                else:
                    disk.remove(key)
                    rows[key] = {None}
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "ConditionalCheckFailedException":
                    rows[key] = possible - {None}
                else:  # it may be obeyed later: with the next write that succeeds, or never
                    rows[key] = possible | {value, None}
        disk.refuse("")
        disk.store.restart()
        found = disk.rows()
        assert set(found) <= set(rows)
        for key, possible in rows.items():
            assert found.get(key) in possible, key
            rows[key] = {found.get(key)}
    assert journal.cut_torn_tail(disk.store.folder / "store" / "journal") == 0
