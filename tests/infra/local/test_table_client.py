from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from infra.local import table_client
from tests.local.running import ACCESS_KEY, RunningStore, running_store

_TABLE = "rows"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running_store(tmp_path_factory.mktemp("store")) as running:
        running.create_table(_TABLE)
        yield running


@pytest.fixture
def client(store: RunningStore) -> Iterator[Any]:
    client = store.client("dynamodb")
    way = table_client.shorten(client, ACCESS_KEY)
    yield client
    way.close()


def _put(client: Any, key: str, value: str) -> None:
    client.put_item(
        TableName=_TABLE,
        Item={"id": {"S": key}, "value": {"S": value}},
        ConditionExpression="attribute_not_exists(id)",
    )


def _get(client: Any, key: str) -> str | None:
    item = client.get_item(TableName=_TABLE, Key={"id": {"S": key}}, ConsistentRead=True).get("Item")
    return item and str(item["value"]["S"])


@pytest.mark.parametrize("value", ["plain", "ünïcode \u2028 \U0001f600", "x" * 300_000])
def test_what_was_written_is_read(client: Any, store: RunningStore, value: str) -> None:
    _put(client, value[:20], value)
    assert _get(client, value[:20]) == value
    assert _get(store.client("dynamodb"), value[:20]) == value
    assert _get(client, "nothing") is None


def test_a_row_is_read_without_botocore_and_anything_else_with_it(client: Any) -> None:
    with_botocore = list[str]()
    client.meta.events.register("before-call.dynamodb.*", lambda model, **_: with_botocore.append(model.name))
    _put(client, '{"B": 1}', "of the wire")
    assert _get(client, '{"B": 1}') == "of the wire"
    assert with_botocore == ["PutItem"]
    client.put_item(TableName=_TABLE, Item={"id": {"S": "binary"}, "value": {"B": b"\x00\xff"}})
    read = client.get_item(TableName=_TABLE, Key={"id": {"S": "binary"}})["Item"]
    assert read["value"]["B"] == b"\x00\xff"
    with pytest.raises(ClientError) as refused:
        client.get_item(TableName="unknown", Key={"id": {"S": "once"}})
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert with_botocore == ["PutItem", "PutItem", "GetItem", "GetItem"]


def test_the_stores_errors_are_botocores(client: Any) -> None:
    _put(client, "once", "first")
    with pytest.raises(ClientError) as refused:
        _put(client, "once", "second")
    assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert _get(client, "once") == "first"


def test_another_key_opens_nothing(store: RunningStore) -> None:
    client = store.client("dynamodb")
    way = table_client.shorten(client, "SOMEBODYELSE")
    with pytest.raises(ClientError) as refused:
        _get(client, "once")
    way.close()
    assert refused.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_threads_do_not_get_each_others_answers(client: Any) -> None:
    for number in range(8):
        _put(client, f"of {number}", str(number))
    wrong: list[tuple[int, str | None]] = []

    def read(number: int) -> None:
        wrong.extend(
            (number, found) for _ in range(20) if (found := _get(client, f"of {number}")) != str(number)
        )

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_store_that_was_started_anew_is_found_again(
    client: Any, store: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.table_client._TIMEOUT_S", 120.0)  # the store's start, however long
    _put(client, "kept", "over the restart")
    store.restart()
    assert _get(client, "kept") == "over the restart"


def test_a_store_that_is_not_there_is_told_as_botocore_tells_it(tmp_path: Path) -> None:
    with running_store(tmp_path) as gone:
        client = gone.client("dynamodb")
    table_client.shorten(client, ACCESS_KEY)
    with pytest.raises(EndpointConnectionError):
        _get(client, "anything")
