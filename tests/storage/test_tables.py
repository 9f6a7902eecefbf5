"""The tables as the code knows them, and as the infrastructure declares them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pynamodb.models import Model

from chalicelib.storage import connection, tables
from chalicelib.storage.connection import Table
from chalicelib.storage.tables import watson_time
from infra.resources import load

MODELS = [
    tables.Credential,
    tables.AcousticModel,
    tables.AudioResource,
    tables.RecognitionJob,
    tables.Callback,
    tables.Erasure,
    tables.HourlyUsage,
    tables.IdempotencyRecord,
]


@pytest.mark.parametrize("model", MODELS)
def test_the_infrastructure_declares_every_table(model: type[Table]) -> None:
    declared = {table.name: (table.hash_key, table.range_key) for table in load().tables}
    hash_key = model._hash_keyname
    range_key = model._range_keyname
    name: str = model.Meta.table_name
    assert declared[name] == (hash_key, range_key)


def test_all_tables_share_one_client(account: None) -> None:
    clients = {id(model._get_connection().connection.client) for model in MODELS}
    assert clients == {id(connection.shared().client)}


def test_rows_are_read_as_pynamodb_reads_them() -> None:
    """Values, sets, lists, times, defaults, and what is null."""
    moment = datetime(2026, 3, 16, 8, 59, 5, 592_000, tzinfo=UTC)
    full = tables.AcousticModel(
        "owner",
        "id",
        name="n",
        versions=["v1", "v2"],
        created=moment,
        analysing={"a", "b"},
        progress=40,
        cancel_requested=True,
    )
    stored = full.to_dynamodb_dict() | {"error": {"NULL": True}, "unknown": {"S": "of a later version"}}
    for kept in (stored, {"owner": {"S": "owner"}}):
        ours = tables.AcousticModel.from_raw_data(kept)
        theirs = Model.from_raw_data.__func__(tables.AcousticModel, kept)  # type: ignore[attr-defined]
        assert ours.attribute_values == theirs.attribute_values
        assert vars(ours) == vars(theirs)
    empty = [tables.RecognitionJob.from_raw_data({}).notifications for _ in range(2)]
    assert empty == [[], []]
    assert empty[0] is not empty[1]


@pytest.mark.parametrize("key", ["", "a" * 1025, "ü" * 513, "\udc80" * 400])
def test_no_row_has_a_key_that_no_row_can_have(key: str) -> None:
    """Nothing is asked: there is no account here, and DynamoDB would call the request malformed."""
    with pytest.raises(tables.RecognitionJob.DoesNotExist):
        tables.RecognitionJob.get("owner", key)
    with pytest.raises(tables.Callback.DoesNotExist):
        tables.Callback.get("a" * 2049, "hash")


@pytest.mark.parametrize(
    ("microsecond", "shown"), [(0, "000"), (592_000, "592"), (592_999, "592"), (999_999, "999")]
)
def test_times_as_watson_writes_them(microsecond: int, shown: str) -> None:
    moment = datetime(2020, 3, 16, 8, 59, 5, microsecond, tzinfo=UTC)
    assert watson_time(moment) == f"2020-03-16T08:59:05.{shown}Z"
