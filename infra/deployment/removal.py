"""Takes a deployed service away. Data stay, unless they are named."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from botocore.exceptions import ClientError

from infra import resources
from infra.deployment import artefacts, stack
from infra.deployment.target import DeploymentRefused, DeploymentTarget


def data(target: DeploymentTarget) -> list[str]:
    """Return the names of the installation's tables and bucket that are in the account."""
    declared = _declared(target)
    tables = target.client("dynamodb")
    found = [
        name
        for page in tables.get_paginator("list_tables").paginate()
        for name in page["TableNames"]
        if name in declared
    ]
    owned = {bucket["Name"] for bucket in target.client("s3").list_buckets()["Buckets"]}
    return [*sorted(found), *({target.data_bucket} & owned)]


def remove(target: DeploymentTarget, also: Sequence[str], say: Callable[[str], None]) -> None:
    """Delete the stack and what was deployed with it, and those data that are named.

    Raises:
        DeploymentRefused: something was named that is no data of the installation; nothing was deleted then.
    """
    unknown = sorted(set(also) - _declared(target))
    if unknown:
        raise DeploymentRefused(
            f"{', '.join(unknown)} is no table or bucket of {target.name}. Nothing was deleted."
        )
    stack.remove(target, say)
    there = set(data(target))
    for name in also:
        if name not in there:
            say(f"  {name} was gone already")
        elif name == target.data_bucket:
            _remove_bucket(target, name)
            say(f"  bucket {name} deleted")
        else:
            target.client("dynamodb").delete_table(TableName=name)
            say(f"  table {name} deleted")
    _remove_bucket(target, target.artefacts_bucket)
    _remove_layers(target)
    _remove_secret(target)
    left = sorted(there - set(also))
    if left:
        say("These data are kept, and a new deployment takes them up again: " + ", ".join(left))


def _declared(target: DeploymentTarget) -> set[str]:
    parameters = {"Name": target.name, "AWS::AccountId": target.account, "AWS::Region": target.region}
    declared = resources.load(parameters=parameters)
    return {table.name for table in declared.tables} | {bucket.name for bucket in declared.buckets}


def _remove_bucket(target: DeploymentTarget, name: str) -> None:
    s3 = target.client("s3")
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            listed = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
            if listed:
                s3.delete_objects(Bucket=name, Delete={"Objects": listed, "Quiet": True})
        s3.delete_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchBucket", "404"):
            raise


def _remove_layers(target: DeploymentTarget) -> None:
    client, name = target.client("lambda"), artefacts.LAYER_NAME.format(name=target.name)
    for version in client.list_layer_versions(LayerName=name)["LayerVersions"]:
        client.delete_layer_version(LayerName=name, VersionNumber=version["Version"])


def _remove_secret(target: DeploymentTarget) -> None:
    """Delete what tokens are signed with; a new deployment makes another."""
    client = target.client("ssm")
    with contextlib.suppress(client.exceptions.ParameterNotFound):
        client.delete_parameter(Name=target.secret_name)
