"""Brings tables and objects back as they were, as the data of a stage that is not deployed yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.storage.layout import SPOOL_PREFIX, UPLOADS_PREFIX
from infra import resources
from infra.deployment import artefacts, removal, stack
from infra.deployment.installation import Io
from infra.deployment.target import DeploymentRefused, DeploymentTarget
from infra.resources import TableResource

_POLL_S = 5.0
_COPIES_AT_ONCE = 16
_TOLD_EVERY = 1000
_TEMPORARY = (SPOOL_PREFIX, UPLOADS_PREFIX)
_MARK = "attune:restored"
"""Tag of a bucket that this command has made, so that a broken-off restoration is taken up again."""


@dataclass(frozen=True)
class _Version:
    """The newest of an object's versions that has been looked at."""

    modified: datetime
    latest: bool
    version_id: str | None
    """None: the object was deleted then."""


def restore(source: DeploymentTarget, into: DeploymentTarget, at: datetime | None, io: Io) -> bool:
    """Restore the data of a stage into another one; False: the operator did not want it.

    Args:
        source: whose data; it goes on undisturbed, and need not be deployed any more.
        into: has neither a stack nor data; the next deployment takes up what was restored.
        at: the moment; None: the last that all tables can be restored to, some minutes ago, or that of a
            restoration that was broken off.
        io: how to talk with the operator.

    Raises:
        DeploymentRefused: nothing can be restored, or not to there or then.
    """
    tables, mark = _tables(source, into), _mark_of(into)
    begun = mark.removeprefix(f"{source.name}@") if mark is not None else mark
    if at is None and begun is not None and begun != mark:
        moment = datetime.fromisoformat(begun)
    else:
        moment = _moment(source, [name for name, _, _ in tables], at)
    wanted = f"{source.name}@{moment.isoformat()}"
    if mark != wanted and (there := removal.data(into)):
        raise DeploymentRefused(
            f"{into.name} has data of its own ({', '.join(there)}). Restore into another stage, or delete "
            f"them first: make destroy STAGE={into.stage}, with --data for each."
        )
    io.say(f"{len(tables)} tables and the bucket of {source.name} are restored into {into.name},")
    io.say(f"as they were at {moment:%Y-%m-%dT%H:%M:%SZ}. {source.name} stays as it is.")
    if not io.agreed():
        io.say("Nothing was changed.")
        return False
    _make_bucket(into, wanted)
    _restore_tables(into, tables, moment, io.say)
    copied = _restore_objects(source, into, moment, io.say)
    io.say(f"Restored: {len(tables)} tables, {copied} objects. Now deploy it: make deploy STAGE={into.stage}")
    return True


def _tables(source: DeploymentTarget, into: DeploymentTarget) -> list[tuple[str, str, TableResource]]:
    """Return names of tables, what they are to be called, and what they are like."""
    if source.name == into.name:
        raise DeploymentRefused(
            "Data are restored into another stage than their own: what is there is not overwritten."
        )
    if (found := stack.status(into)) is not None:
        raise DeploymentRefused(
            f"The stack {into.name} is there already ({found}). Restore first, and deploy then."
        )
    there = set(removal.data(source))
    pairs = zip(_declared(source), _declared(into), strict=True)
    tables = [(ours.name, theirs.name, ours) for ours, theirs in pairs if ours.name in there]
    if not tables:
        raise DeploymentRefused(f"There are no tables of {source.name} in {source.region}.")
    if source.data_bucket not in there:
        raise DeploymentRefused(
            f"There is no bucket {source.data_bucket}: without it the tables are of no use."
        )
    return tables


def _declared(target: DeploymentTarget) -> list[TableResource]:
    parameters = {"Name": target.name, "AWS::AccountId": target.account, "AWS::Region": target.region}
    return [table for table in resources.load(parameters=parameters).tables if table.restorable]


def _moment(source: DeploymentTarget, names: list[str], at: datetime | None) -> datetime:
    client, earliest, latest = source.client("dynamodb"), list[datetime](), list[datetime]()
    for name in names:
        described = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = described.get("PointInTimeRecoveryDescription", {})
        if "LatestRestorableDateTime" not in recovery:
            raise DeploymentRefused(
                f"The table {name} cannot be restored: its point-in-time recovery is off."
            )
        earliest.append(recovery["EarliestRestorableDateTime"])
        latest.append(recovery["LatestRestorableDateTime"])
    last = min(latest).astimezone(UTC).replace(microsecond=0)
    if at is None:
        return last
    first = max(earliest).astimezone(UTC)
    if not first <= at <= last:
        raise DeploymentRefused(
            f"The tables can be restored to moments from {first:%Y-%m-%dT%H:%M:%SZ} to "
            f"{last:%Y-%m-%dT%H:%M:%SZ}, and not to {at:%Y-%m-%dT%H:%M:%SZ}."
        )
    return at


def _mark_of(into: DeploymentTarget) -> str | None:
    try:
        tags = into.client("s3").get_bucket_tagging(Bucket=into.data_bucket)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchBucket", "NoSuchTagSet"):
            return None
        raise
    return next((tag["Value"] for tag in tags if tag["Key"] == _MARK), None)


def _make_bucket(into: DeploymentTarget, mark: str) -> None:
    artefacts.ensure_bucket(into, into.data_bucket)
    into.client("s3").put_bucket_tagging(
        Bucket=into.data_bucket, Tagging={"TagSet": [{"Key": _MARK, "Value": mark}]}
    )


def _restore_tables(
    into: DeploymentTarget,
    tables: list[tuple[str, str, TableResource]],
    moment: datetime,
    say: Callable[[str], None],
) -> None:
    client = into.client("dynamodb")
    there = set(removal.data(into))
    for name, wanted, _ in tables:
        if wanted not in there:
            client.restore_table_to_point_in_time(
                SourceTableName=name, TargetTableName=wanted, RestoreDateTime=moment
            )
    for number, (_, wanted, table) in enumerate(tables, 1):
        while client.describe_table(TableName=wanted)["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(_POLL_S)
        _complete(client, wanted, table)
        say(f"  {number:3d}  table {wanted} restored")


def _complete(client: Any, name: str, table: TableResource) -> None:
    """Switch on what a restored table does not inherit."""
    if table.ttl_attribute is not None:
        described = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if described.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
            wanted = {"Enabled": True, "AttributeName": table.ttl_attribute}
            client.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)
    while True:
        try:
            client.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )
        except client.exceptions.ContinuousBackupsUnavailableException:  # a new table has them in a moment
            time.sleep(_POLL_S)
        else:
            return


def _restore_objects(
    source: DeploymentTarget, into: DeploymentTarget, moment: datetime, say: Callable[[str], None]
) -> int:
    """Copy the objects as they were; what a broken-off restoration has copied is left. Return how many."""
    client = into.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=into.data_bucket)
    there = {entry["Key"] for page in pages for entry in page.get("Contents", ())}

    def copy(key: str, version_id: str) -> None:
        version = {} if version_id == "null" else {"VersionId": version_id}
        copied = {"Bucket": source.data_bucket, "Key": key, **version}
        client.copy_object(Bucket=into.data_bucket, Key=key, CopySource=copied)

    with ThreadPoolExecutor(_COPIES_AT_ONCE, thread_name_prefix="copy") as threads:
        batch, copied = [], 0
        for key, version_id in as_of(source.client("s3"), source.data_bucket, moment):
            if key in there:
                continue
            batch.append(threads.submit(copy, key, version_id))
            copied += 1
            if len(batch) == _TOLD_EVERY:
                for one in batch:
                    one.result()
                batch.clear()
                say(f"  {copied} objects copied")
        for one in batch:
            one.result()
    return len(there) + copied


def as_of(client: Any, bucket: str, moment: datetime) -> Iterator[tuple[str, str]]:
    """Yield keys and version ids of what a bucket had at a moment, without what is kept for a day."""
    newest: dict[str, _Version] = {}
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions, markers = page.get("Versions", []), page.get("DeleteMarkers", [])
        entries = [(one, one["VersionId"]) for one in versions] + [(one, None) for one in markers]
        for entry, version_id in entries:
            if entry["LastModified"] > moment or entry["Key"].startswith(_TEMPORARY):
                continue
            found = _Version(entry["LastModified"], bool(entry["IsLatest"]), version_id)
            known = newest.get(entry["Key"])
            if known is None or _order(found) > _order(known):
                newest[entry["Key"]] = found
        # All keys of a page are over, but for the last: its other versions may come on the next.
        last = max((entry["Key"] for entry, _ in entries), default="")
        yield from _there(newest, [key for key in newest if key < last])
    yield from _there(newest, list(newest))


def _order(version: _Version) -> tuple[datetime, bool, bool]:
    """Order by age. S3 knows whole seconds: within one, what is the latest now counts, then what is there."""
    return version.modified, version.latest, version.version_id is not None


def _there(newest: dict[str, _Version], keys: list[str]) -> Iterator[tuple[str, str]]:
    for key in keys:
        version_id = newest.pop(key).version_id
        if version_id is not None:
            yield key, version_id
