"""Data are brought back into another stage as they were, in moto's account, which takes each table as it is now."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra import resources
from infra.deployment import __main__ as command
from infra.deployment import removal, restoring, target
from infra.deployment.installation import Io
from infra.deployment.target import DeploymentRefused, DeploymentTarget


@pytest.fixture(scope="module", autouse=True)
def account() -> Iterator[None]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        yield


@pytest.fixture(scope="module")
def prod() -> DeploymentTarget:
    """A stage with data: a key, a model, and objects, two of which are deleted or written over later."""
    found = target.find("prod")
    parameters = {"Name": found.name}
    dynamodb = found.client("dynamodb")
    for table in resources.load(parameters=parameters).tables:
        keys = [name for name in (table.hash_key, table.range_key) if name]
        dynamodb.create_table(
            TableName=table.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            KeySchema=[
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
        )
    dynamodb.put_item(TableName="attune-prod-credentials", Item={"key_hash": {"S": "ab" * 32}})
    s3 = found.client("s3")
    where = {"LocationConstraint": found.region}
    s3.create_bucket(Bucket=found.data_bucket, CreateBucketConfiguration=where)
    versioning = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=found.data_bucket, VersioningConfiguration=versioning)
    for key in ("audio/1", "audio/2", "models/1", "spool/1", "audio/deleted before"):
        s3.put_object(Bucket=found.data_bucket, Key=key, Body=b"first")
    s3.delete_object(Bucket=found.data_bucket, Key="audio/deleted before")
    _recoverable(found)
    return found


def _recoverable(found: DeploymentTarget) -> None:
    """Let the tables be recoverable, in moto up to this moment."""
    on = {"PointInTimeRecoveryEnabled": True}
    for table in restoring._declared(found):
        found.client("dynamodb").update_continuous_backups(
            TableName=table.name, PointInTimeRecoverySpecification=on
        )


def _io(said: list[str], answer: bool = True) -> Io:
    return Io(said.append, lambda: answer)


def _later() -> datetime:
    """Return a moment, and let its second pass: S3 knows whole seconds."""
    moment = datetime.now(UTC).replace(microsecond=0)
    time.sleep(1.1)
    return moment


def _objects(found: DeploymentTarget) -> dict[str, bytes]:
    s3 = found.client("s3")
    listed = s3.list_objects_v2(Bucket=found.data_bucket).get("Contents", [])
    return {
        one["Key"]: s3.get_object(Bucket=found.data_bucket, Key=one["Key"])["Body"].read() for one in listed
    }


def test_what_was_deleted_and_written_over_is_there_again(prod: DeploymentTarget) -> None:
    moment = _later()
    s3, said = prod.client("s3"), list[str]()
    s3.delete_object(Bucket=prod.data_bucket, Key="audio/1")
    s3.put_object(Bucket=prod.data_bucket, Key="audio/2", Body=b"second")
    s3.put_object(Bucket=prod.data_bucket, Key="audio/3", Body=b"new")
    found = list(restoring.as_of(s3, prod.data_bucket, moment))
    assert [key for key, _ in found] == ["audio/1", "audio/2", "models/1"]

    into = target.find("objects")
    restoring._make_bucket(into, "")
    assert restoring._restore_objects(prod, into, moment, said.append) == 3
    assert _objects(into) == {"audio/1": b"first", "audio/2": b"first", "models/1": b"first"}
    now = [key for key, _ in restoring.as_of(s3, prod.data_bucket, _later())]
    assert now == ["audio/2", "audio/3", "models/1"]


def test_tables_come_with_what_they_do_not_inherit(
    prod: DeploymentTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["restore", "--stage", "prod", "--into", "whole", "--yes"]) == 0
    assert "Now deploy it: make deploy STAGE=whole" in capsys.readouterr().out
    into = target.find("whole")
    dynamodb = into.client("dynamodb")
    rows = dynamodb.scan(TableName="attune-whole-credentials")["Items"]
    assert rows == [{"key_hash": {"S": "ab" * 32}}]
    restorable = restoring._declared(into)
    assert len(restorable) >= 14
    assert removal.data(into) == [*sorted(table.name for table in restorable), into.data_bucket]
    for table in restorable:
        described = dynamodb.describe_continuous_backups(TableName=table.name)
        recovery = described["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
        life = dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        assert life.get("AttributeName") == table.ttl_attribute
    public = into.client("s3").get_public_access_block(Bucket=into.data_bucket)
    assert all(public["PublicAccessBlockConfiguration"].values())


def test_what_was_broken_off_is_taken_up_again(
    prod: DeploymentTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    into, said = target.find("broken"), list[str]()
    with monkeypatch.context() as patch:
        patch.setattr(restoring, "_restore_objects", _breaks)
        with pytest.raises(ConnectionError):
            restoring.restore(prod, into, None, _io(said))
    time.sleep(1.1)
    assert restoring.restore(prod, into, None, _io(said))
    assert _objects(into).keys() >= {"audio/2", "models/1"}
    moments = {line for line in said if line.startswith("as they were at")}
    assert len(moments) == 1


def _breaks(*_: Any) -> int:
    raise ConnectionError


def test_what_is_there_is_never_written_over(prod: DeploymentTarget) -> None:
    into, said = target.find("taken"), list[str]()
    boto3.client("s3").create_bucket(
        Bucket=into.data_bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    with pytest.raises(
        DeploymentRefused, match=r"attune-taken has data of its own .* make destroy STAGE=taken"
    ):
        restoring.restore(prod, into, None, _io(said))
    with pytest.raises(DeploymentRefused, match="another stage than their own"):
        restoring.restore(prod, prod, None, _io(said))
    with pytest.raises(DeploymentRefused, match="no tables of attune-empty in eu-central-1"):
        restoring.restore(target.find("empty"), target.find("other"), None, _io(said))
    assert said == []


def test_a_moment_that_no_table_knows_is_refused_with_those_that_can_be(prod: DeploymentTarget) -> None:
    with pytest.raises(DeploymentRefused, match="can be restored to moments from 20"):
        restoring.restore(prod, target.find("drill"), datetime.now(UTC) - timedelta(days=40), _io([]))


def test_who_does_not_agree_changes_nothing(prod: DeploymentTarget) -> None:
    into, said = target.find("drill"), list[str]()
    assert not restoring.restore(prod, into, None, _io(said, answer=False))
    assert said[-1] == "Nothing was changed."
    assert removal.data(into) == []


def test_what_the_command_refuses(prod: DeploymentTarget, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["restore", "--stage", "prod", "--into", "Drill", "--yes"]) == 1
    assert "STAGE must be" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main(["restore", "--stage", "prod", "--into", "x", "--at", "yesterday"])
    assert "is no time with its zone, such as 2026-01-31T12:00:00Z" in capsys.readouterr().err


def test_a_bucket_is_removed_with_all_versions(prod: DeploymentTarget) -> None:
    removal._remove_bucket(prod, prod.data_bucket)
    assert prod.data_bucket not in removal.data(prod)
