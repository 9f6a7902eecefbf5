"""What a deployment is made of, in the account, each content once: code, layer, template."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.deployment.target import DeploymentRefused, DeploymentTarget
from infra.package import CODE_NAME

LAYER_NAME = "{name}-engine"
_RUNTIME = "python3.13"
_LIBRARY = re.compile(r"\.so(\.\d+)*$")
_MACHINES = {62: "x86_64", 183: "arm64"}
"""By the number that a library's ELF header has."""
_NOT_ALONE = {"NotificationConfiguration"}
"""Needs the queues."""
_NAMED = {"AWS::DynamoDB::Table": "TableName", "AWS::S3::Bucket": "BucketName"}


def ensure_bucket(target: DeploymentTarget, name: str) -> str:
    """Make a bucket that nobody else can look into, unless it is there; return its name.

    Raises:
        DeploymentRefused: somebody else has a bucket of that name.
    """
    s3 = target.client("s3")
    try:
        s3.head_bucket(Bucket=name, ExpectedBucketOwner=target.account)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise DeploymentRefused(
                f"The bucket {name} is there and belongs to somebody else, or these credentials may not use "
                "it. Choose another STAGE."
            ) from error
    else:
        return name
    where = {} if target.region == "us-east-1" else {"LocationConstraint": target.region}
    s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    return name


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def upload(target: DeploymentTarget, path: Path) -> str:
    """Store a file under its content's name, unless it is there; return the key."""
    key, s3 = f"{path.stem}/{digest(path)}{path.suffix}", target.client("s3")
    try:
        s3.head_object(Bucket=target.artefacts_bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
            raise
        s3.upload_file(str(path), target.artefacts_bucket, key)
    return key


def check_architecture(layer: Path, architecture: str) -> None:
    """Look into a layer for what machine it was built.

    Raises:
        DeploymentRefused: for another than its functions are to run on.
    """
    with zipfile.ZipFile(layer) as archive:
        for name in archive.namelist():
            if not _LIBRARY.search(name):
                continue
            with archive.open(name) as file:
                built_for = _MACHINES.get(int.from_bytes(file.read(20)[18:], "little"), "another machine")
            if built_for != architecture:
                raise DeploymentRefused(
                    f"The layer {layer} was built for {built_for}, and its functions would run on "
                    f"{architecture}. Name the layer of that architecture with --layer, or choose "
                    "--architecture as the layer is."
                )
            return


def publish_layer(target: DeploymentTarget, path: Path, architecture: str) -> str:
    """Publish the engines' layer, unless the last version is the same; return the version's ARN."""
    name, client, wanted = LAYER_NAME.format(name=target.name), target.client("lambda"), digest(path)
    for version in client.list_layer_versions(LayerName=name)["LayerVersions"]:
        if version.get("Description") == wanted:
            return str(version["LayerVersionArn"])
    published = client.publish_layer_version(
        LayerName=name,
        Description=wanted,
        Content={"S3Bucket": target.artefacts_bucket, "S3Key": upload(target, path)},
        CompatibleRuntimes=[_RUNTIME],
        CompatibleArchitectures=[architecture],
    )
    return str(published["LayerVersionArn"])


def with_code(template: dict[str, Any], bucket: str, key: str) -> dict[str, Any]:
    """Return a packaged template whose functions find their code in a bucket."""
    text = json.dumps(template)
    return dict(json.loads(text.replace(f'"./{CODE_NAME}"', json.dumps(f"s3://{bucket}/{key}"))))


def with_names(template: dict[str, Any], target: DeploymentTarget) -> dict[str, Any]:
    """Return the template with the names of tables and buckets that outlive the stack written out."""
    values = {"Name": target.name, "AWS::AccountId": target.account, "AWS::Region": target.region}
    made: dict[str, Any] = json.loads(json.dumps(template))
    for resource in made["Resources"].values():
        attribute = _NAMED.get(resource["Type"])
        if attribute is not None and resource.get("DeletionPolicy", "").startswith("Retain"):
            pattern = resource["Properties"][attribute]["Fn::Sub"]
            resource["Properties"][attribute] = re.sub(
                r"\$\{([^}]+)}", lambda found: values[found[1]], pattern
            )
    return made


def of_data(template: dict[str, Any], there: Collection[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a template of the tables and the bucket that are there, and them as CloudFormation imports them.

    Args:
        template: with names written out.
        there: the names of those that are in the account.
    """
    kept, imported = {}, []
    for logical_id, resource in template["Resources"].items():
        attribute = _NAMED.get(resource["Type"])
        if attribute is None:
            continue
        name = resource["Properties"][attribute]
        if not isinstance(name, str) or name not in there:
            continue
        properties = {key: value for key, value in resource["Properties"].items() if key not in _NOT_ALONE}
        alone = {key: value for key, value in resource.items() if key != "DependsOn"}
        kept[logical_id] = {**alone, "Properties": properties}
        imported.append(
            {
                "ResourceType": resource["Type"],
                "LogicalResourceId": logical_id,
                "ResourceIdentifier": {attribute: name},
            }
        )
    # What the conditions ask for takes its default: a later change brings the rest.
    parameters = {name: one for name, one in template["Parameters"].items() if "Default" in one}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": parameters,
        "Conditions": template["Conditions"],
        "Resources": kept,
    }, imported


def upload_template(target: DeploymentTarget, folder: Path, template: dict[str, Any]) -> str:
    """Store the template where CloudFormation finds it; return its URL."""
    path = folder / "template.json"
    path.write_text(json.dumps(template, separators=(",", ":")))
    key = upload(target, path)
    return f"{target.client('s3').meta.endpoint_url}/{target.artefacts_bucket}/{key}"
