from __future__ import annotations

import hashlib
import http.client
import json
import os
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError, ResponseStreamingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra import resources
from infra.local.store import journal
from tests.local.running import ACCESS_KEY, RunningStore, running_store

_BUCKET = resources.load().buckets[0]
_TABLE = "rows"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running_store(tmp_path_factory.mktemp("store")) as running:
        _make_table(running.client("dynamodb"))
        running.client("s3").create_bucket(Bucket=_BUCKET.name)
        yield running


@pytest.fixture
def s3(store: RunningStore) -> Any:
    return store.client("s3")


def _make_table(client: Any) -> None:
    client.create_table(
        TableName=_TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "owner", "AttributeType": "S"},
            {"AttributeName": "id", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "owner", "KeyType": "HASH"},
            {"AttributeName": "id", "KeyType": "RANGE"},
        ],
    )
    client.update_time_to_live(
        TableName=_TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )


def _key(number: int) -> dict[str, Any]:
    return {"owner": {"S": "o"}, "id": {"S": str(number)}}


def _rows(store: RunningStore) -> dict[str, Any]:
    items = store.client("dynamodb").scan(TableName=_TABLE)["Items"]
    return {item["id"]["S"]: item for item in items}


def test_every_kind_of_write_is_there_after_a_kill(store: RunningStore) -> None:
    client = store.client("dynamodb")
    for number in range(6):
        client.put_item(TableName=_TABLE, Item={**_key(number), "n": {"N": "0"}, "b": {"B": b"\0\xff"}})
    client.update_item(
        TableName=_TABLE,
        Key=_key(1),
        UpdateExpression="SET n = n + :one ADD tags :tags REMOVE b",
        ConditionExpression="n = :zero",
        ExpressionAttributeValues={":one": {"N": "1"}, ":zero": {"N": "0"}, ":tags": {"SS": ["x", "y"]}},
    )
    client.delete_item(TableName=_TABLE, Key=_key(2))
    client.batch_write_item(
        RequestItems={
            _TABLE: [
                {"DeleteRequest": {"Key": _key(3)}},
                {"PutRequest": {"Item": {**_key(6), "n": {"N": "6"}}}},
            ]
        }
    )
    client.transact_write_items(
        TransactItems=[
            {"Delete": {"TableName": _TABLE, "Key": _key(4)}},
            {"Put": {"TableName": _TABLE, "Item": {**_key(7), "n": {"N": "7"}}}},
            {
                "Update": {
                    "TableName": _TABLE,
                    "Key": _key(5),
                    "UpdateExpression": "SET n = :n",
                    "ExpressionAttributeValues": {":n": {"N": "5"}},
                }
            },
        ]
    )
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        client.put_item(TableName=_TABLE, Item=_key(0), ConditionExpression="attribute_not_exists(id)")
    before = _rows(store)
    assert set(before) == {"0", "1", "5", "6", "7"}
    assert before["1"] == {**_key(1), "n": {"N": "1"}, "tags": {"SS": ["x", "y"]}}

    store.restart()

    assert _rows(store) == before
    ttl = store.client("dynamodb").describe_time_to_live(TableName=_TABLE)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    # Twice: the compacted journal says the same.
    store.restart()
    assert _rows(store) == before


def test_a_refused_transaction_leaves_nothing_behind(store: RunningStore) -> None:
    client = store.client("dynamodb")
    with pytest.raises(ClientError, match="TransactionCanceled"):
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": _TABLE, "Item": _key(90)}},
                {
                    "Put": {
                        "TableName": _TABLE,
                        "Item": _key(91),
                        "ConditionExpression": "attribute_exists(id)",
                    }
                },
            ]
        )
    store.restart()
    assert not {"90", "91"} & set(_rows(store))


def test_a_transaction_that_is_tried_again_is_made_once_also_after_a_kill(store: RunningStore) -> None:
    client = store.client("dynamodb")

    def transact(token: str) -> None:
        put = {"TableName": _TABLE, "Item": _key(901), "ConditionExpression": "attribute_not_exists(id)"}
        count = {
            "TableName": _TABLE,
            "Key": _key(902),
            "UpdateExpression": "ADD times :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        client.transact_write_items(TransactItems=[{"Put": put}, {"Update": count}], ClientRequestToken=token)

    transact("first")
    transact("first")
    for _ in range(2):  # a start shortens the journal, which must not forget it
        store.restart()
        transact("first")
    assert _rows(store)["902"]["times"] == {"N": "1"}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        transact("second")
    for number in (901, 902):
        client.delete_item(TableName=_TABLE, Key=_key(number))


def test_all_that_was_acknowledged_to_many_writers_is_there(store: RunningStore) -> None:
    acknowledged: list[int] = []

    def write(first: int) -> None:
        client = store.client("dynamodb")
        for number in range(first, first + 1000):
            try:
                client.put_item(TableName=_TABLE, Item={**_key(number), "n": {"N": str(number)}})
            except Exception:  # noqa: BLE001  the store is killed in the middle
                return
            acknowledged.append(number)

    writers = [threading.Thread(target=write, args=(first,)) for first in (1000, 2000, 3000)]
    for writer in writers:
        writer.start()
    while len(acknowledged) < 200:
        time.sleep(0.01)
    store.restart()
    for writer in writers:
        writer.join()
    found = _rows(store)
    assert [number for number in acknowledged if str(number) not in found] == []


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cut=st.floats(0, 1))
def test_a_torn_journal_comes_back_as_some_moment_of_the_past(tmp_path: Path, cut: float) -> None:
    folder = tmp_path / os.urandom(4).hex()
    with running_store(folder) as store:
        client = store.client("dynamodb")
        _make_table(client)
        start_bytes = (folder / "store" / "journal").stat().st_size
        # Money is moved between two rows: at every moment there is the same amount of it.
        client.put_item(TableName=_TABLE, Item={**_key(0), "n": {"N": "100"}})
        client.put_item(TableName=_TABLE, Item={**_key(1), "n": {"N": "0"}})
        for _ in range(10):
            client.transact_write_items(
                TransactItems=[
                    {
                        "Update": {
                            "TableName": _TABLE,
                            "Key": _key(row),
                            "UpdateExpression": "SET n = n + :by",
                            "ExpressionAttributeValues": {":by": {"N": by}},
                        }
                    }
                    for row, by in ((0, "-7"), (1, "7"))
                ]
            )
        store.kill()
        path = folder / "store" / "journal"
        whole = path.read_bytes()
        path.write_bytes(whole[: start_bytes + int((len(whole) - start_bytes) * cut)])
        store.restart()
        rows = _rows(store)
        assert len(rows) < 2 or sum(int(row["n"]["N"]) for row in rows.values()) == 100


def test_objects_survive_a_kill_with_their_headers(store: RunningStore, s3: Any) -> None:
    body = os.urandom(300_000)
    key = "audio-like/ä b+c/%25/x"
    s3.put_object(Bucket=_BUCKET.name, Key=key, Body=body, ContentType="audio/flac", Metadata={"a": "b"})
    s3.put_object(Bucket=_BUCKET.name, Key="gone", Body=b"1")
    s3.delete_object(Bucket=_BUCKET.name, Key="gone")
    store.restart()
    found = s3.get_object(Bucket=_BUCKET.name, Key=key)
    assert found["Body"].read() == body
    assert found["ContentType"] == "audio/flac"
    assert found["Metadata"] == {"a": "b"}
    assert found["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=_BUCKET.name, Key="gone")


def test_an_upload_that_is_cut_short_leaves_the_former_object(store: RunningStore, s3: Any) -> None:
    s3.put_object(Bucket=_BUCKET.name, Key="replaced", Body=b"former")

    connection = http.client.HTTPConnection(store.url.removeprefix("http://"))
    connection.putrequest("PUT", f"/{_BUCKET.name}/replaced")
    connection.putheader("Authorization", f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/x")
    connection.putheader("Content-Length", "2000000")
    connection.endheaders()
    connection.send(bytes(1_000_000))
    try:
        _wait_for_blob(store, size_bytes=1_000_000)
        store.restart()
    finally:
        connection.close()
    assert s3.get_object(Bucket=_BUCKET.name, Key="replaced")["Body"].read() == b"former"
    blobs = {path.name for path in (store.folder / "store" / "blobs").iterdir()}
    named = {
        part["blob"]
        for record, _ in journal.read(store.folder / "store" / "journal")
        if "put" in record
        for part in record["put"]["parts"]
    }
    assert blobs == named


def _wait_for_blob(store: RunningStore, size_bytes: int) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if any(path.stat().st_size == size_bytes for path in (store.folder / "store" / "blobs").iterdir()):
            return
        time.sleep(0.01)
    raise AssertionError("the bytes never arrived")


def test_multipart_upload_copy_and_ranges(s3: Any, tmp_path: Path) -> None:
    body = os.urandom(20_000_000)
    (tmp_path / "big").write_bytes(body)
    s3.upload_file(str(tmp_path / "big"), _BUCKET.name, "big")
    s3.copy({"Bucket": _BUCKET.name, "Key": "big"}, _BUCKET.name, "copy")
    s3.delete_object(Bucket=_BUCKET.name, Key="big")
    s3.download_file(_BUCKET.name, "copy", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == body
    for asked, wanted in (
        ("bytes=5-9", body[5:10]),
        ("bytes=19999990-", body[-10:]),
        ("bytes=-3", body[-3:]),
        ("bytes=8388600-8388620", body[8388600:8388621]),
    ):
        assert s3.get_object(Bucket=_BUCKET.name, Key="copy", Range=asked)["Body"].read() == wanted
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket=_BUCKET.name, Key="copy", Range="bytes=20000000-")


def test_listing_pages_in_order(s3: Any) -> None:
    names = [f"list/{number:03d}" for number in range(25)] + ["list/sub/1", "list/sub/2"]
    for name in names:
        s3.put_object(Bucket=_BUCKET.name, Key=name, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=_BUCKET.name, Prefix="list/", PaginationConfig={"PageSize": 10}
    )
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == names
    top = s3.list_objects_v2(Bucket=_BUCKET.name, Prefix="list/", Delimiter="/")
    assert [entry["Prefix"] for entry in top["CommonPrefixes"]] == ["list/sub/"]
    s3.delete_objects(Bucket=_BUCKET.name, Delete={"Objects": [{"Key": name} for name in names]})
    assert "Contents" not in s3.list_objects_v2(Bucket=_BUCKET.name, Prefix="list/")


def test_memory_stays_small_while_bodies_are_large(store: RunningStore, s3: Any) -> None:
    before = _peak_memory_bytes(store)
    s3.put_object(Bucket=_BUCKET.name, Key="large", Body=bytes(100_000_000))
    for _ in s3.get_object(Bucket=_BUCKET.name, Key="large")["Body"].iter_chunks(1 << 20):
        pass
    assert _peak_memory_bytes(store) - before < 20_000_000
    s3.delete_object(Bucket=_BUCKET.name, Key="large")


def _peak_memory_bytes(store: RunningStore) -> int:
    status = Path(f"/proc/{store.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def test_an_upload_is_announced_at_once_and_only_where_the_template_says(
    store: RunningStore, s3: Any
) -> None:
    sqs = store.client("sqs")
    urls = {rule.queue: sqs.create_queue(QueueName=rule.queue)["QueueUrl"] for rule in _BUCKET.notifications}
    arrived_s: list[float] = []

    def receive() -> None:
        messages: list[Any] = []
        until = time.monotonic() + 300
        while not messages and time.monotonic() < until:
            answer = sqs.receive_message(QueueUrl=urls["attune-audio-uploaded"], WaitTimeSeconds=20)
            messages = answer.get("Messages", [])
        arrived_s.append(time.monotonic())
        record = json.loads(messages[0]["Body"])["Records"][0]
        assert record["s3"]["object"]["key"] == "audio/o/c/%C3%A4+b"
        assert record["eventName"] == "ObjectCreated:Put"

    waiting = threading.Thread(target=receive)
    waiting.start()
    time.sleep(0.3)
    s3.put_object(Bucket=_BUCKET.name, Key="training/o/c/000001/checkpoints/state", Body=b"1")
    s3.put_object(Bucket=_BUCKET.name, Key="audio/o/c/ä b", Body=b"1")
    sent_s = time.monotonic()
    waiting.join()
    assert arrived_s[0] - sent_s < 10  # at once, not at the end of what it was ready to wait
    progress = urls["attune-training-progress"]
    assert "Messages" not in sqs.receive_message(QueueUrl=progress)
    s3.put_object(Bucket=_BUCKET.name, Key="training/o/c/000001/checkpoints/progress.json", Body=b"1")
    assert len(sqs.receive_message(QueueUrl=progress, WaitTimeSeconds=5)["Messages"]) == 1


def test_owners_take_turns_in_a_queue(store: RunningStore) -> None:
    client = store.client("sqs")
    url = client.create_queue(QueueName="fair")["QueueUrl"]

    def uploaded(owner: str, number: int) -> dict[str, Any]:
        return {"Records": [{"s3": {"object": {"key": f"audio/{owner}/model/{number}"}}}]}

    greedy = [*({"owner": "greedy", "id": number} for number in range(4)), uploaded("greedy", 4)]
    modest = [{"owner": "modest", "id": 10}, uploaded("modest", 11)]

    def took(most: int) -> list[Any]:
        answer = client.receive_message(QueueUrl=url, MaxNumberOfMessages=most)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    for message in greedy:
        client.send_message(QueueUrl=url, MessageBody=json.dumps(message))
    assert took(1) == greedy[:1]
    for message in modest:
        client.send_message(QueueUrl=url, MessageBody=json.dumps(message), MessageGroupId="modest")
    assert took(1) == modest[:1]
    assert took(3) == [greedy[1], modest[1], greedy[2]]
    assert took(10) == greedy[3:]


def test_messages_are_not_given_to_receivers_that_have_died(store: RunningStore) -> None:
    client = store.client("sqs")
    url = client.create_queue(QueueName="impatient")["QueueUrl"]
    with pytest.raises(ReadTimeoutError):
        store.client("sqs", read_timeout_s=0.5).receive_message(QueueUrl=url, WaitTimeSeconds=20)
    client.send_message(QueueUrl=url, MessageBody="x")
    assert len(client.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]) == 1


@pytest.mark.parametrize("service", ["s3", "dynamodb", "sqs"])
def test_other_users_of_the_machine_are_kept_out(store: RunningStore, service: str) -> None:
    client = store.client(service, access_key="SOMEBODY")
    call = {"s3": "list_objects_v2", "dynamodb": "list_tables", "sqs": "list_queues"}[service]
    with pytest.raises(ClientError):
        getattr(client, call)(**({"Bucket": _BUCKET.name} if service == "s3" else {}))


def test_nothing_is_served_that_would_not_be_journalled(store: RunningStore) -> None:
    with pytest.raises(ClientError, match="UnknownOperation"):
        store.client("dynamodb").execute_statement(
            Statement=f"DELETE FROM {_TABLE} WHERE owner='o' AND id='0'"
        )


def test_an_object_for_which_there_is_no_room_is_refused_however_little_is_missing(
    tmp_path: Path,
) -> None:
    """A limit on file sizes stands for the full disk: both take a part of the last write, without an error."""
    with running_store(tmp_path) as store:
        s3 = store.client("s3")
        s3.create_bucket(Bucket=_BUCKET.name)
        s3.put_object(Bucket=_BUCKET.name, Key="kept", Body=b"as it was")
        soft, hard = resource.prlimit(store.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(store.process.pid, resource.RLIMIT_FSIZE, (100_000, hard))
        for missing_bytes in (1, 100_000):
            with pytest.raises(ClientError) as refused:
                s3.put_object(Bucket=_BUCKET.name, Key="kept", Body=bytes(100_000 + missing_bytes))
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 507
        assert s3.get_object(Bucket=_BUCKET.name, Key="kept")["Body"].read() == b"as it was"
        assert len(list((tmp_path / "store" / "blobs").iterdir())) == 1
        resource.prlimit(store.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
        s3.put_object(Bucket=_BUCKET.name, Key="kept", Body=bytes(100_001))
        assert s3.get_object(Bucket=_BUCKET.name, Key="kept")["Body"].read() == bytes(100_001)


def test_an_object_that_lost_bytes_is_no_answer_and_stops_nobody(tmp_path: Path) -> None:
    with running_store(tmp_path) as store:
        s3 = store.client("s3")
        s3.create_bucket(Bucket=_BUCKET.name)
        s3.put_object(Bucket=_BUCKET.name, Key="damaged", Body=bytes(1000))
        (blob,) = (tmp_path / "store" / "blobs").iterdir()
        os.truncate(blob, 900)
        with pytest.raises(ResponseStreamingError):
            s3.get_object(Bucket=_BUCKET.name, Key="damaged")["Body"].read()
        s3.put_object(Bucket=_BUCKET.name, Key="damaged", Body=b"whole again")
        assert s3.get_object(Bucket=_BUCKET.name, Key="damaged")["Body"].read() == b"whole again"
