"""What IAM asks for a call of AWS: actions, resources, and the conditions' keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from tests.permissions.policies import BUCKET, Need, arn

Parameters = Mapping[str, Any]

_TABLE_CALLS = {
    "GetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "Scan",
    "DescribeTable",
}
_BATCH_CALLS = {"BatchGetItem", "BatchWriteItem"}
_IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_OBJECT_CALLS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
}
_ABSENT = {"404", "NoSuchKey"}


class NotUnderstood(Exception):
    """Nobody has written down yet what this call needs."""


def of_call(service: str, operation: str, parameters: Parameters, error_code: str | None) -> list[Need]:
    """Return what a call needs.

    Args:
        service: its name in botocore.
        operation: its name in the service's API.
        parameters: as they were given to the client.
        error_code: of the service's answer; None: the call succeeded. Without permission to list, S3 answers
            403 where nothing lies, so whoever is told 404 needs that, too.

    Raises:
        NotUnderstood: the call is not in this list.
    """
    found = _SERVICES.get(service)
    needs = found(operation, parameters) if found else None
    if needs is None:
        raise NotUnderstood(f"{service}:{operation}")
    if service == "s3" and error_code in _ABSENT:
        needs = [*needs, Need("s3:ListBucket", f"arn:aws:s3:::{BUCKET}")]
    return list(needs)


def _table(name: str) -> str:
    return arn("dynamodb", f"table/{name.rpartition('/')[2]}")


def _dynamodb(operation: str, parameters: Parameters) -> Iterable[Need] | None:
    if operation in _TABLE_CALLS:
        return [Need(f"dynamodb:{operation}", _table(parameters["TableName"]))]
    if operation in _BATCH_CALLS:
        return [Need(f"dynamodb:{operation}", _table(name)) for name in parameters["RequestItems"]]
    if operation in ("TransactWriteItems", "TransactGetItems"):
        return [
            Need(f"dynamodb:{_IN_TRANSACTION[kind]}", _table(item["TableName"]))
            for entry in parameters["TransactItems"]
            for kind, item in entry.items()
        ]
    return None


def _object(key: str) -> str:
    return f"arn:aws:s3:::{BUCKET}/{key}"


def _copied(source: Any) -> str:
    """Return the key of what is copied; botocore writes a source out as text while it makes the call."""
    return unquote(source).partition("/")[2] if isinstance(source, str) else str(source["Key"])


def _s3(operation: str, parameters: Parameters) -> Iterable[Need] | None:
    if operation in _OBJECT_CALLS:
        return [Need(_OBJECT_CALLS[operation], _object(parameters["Key"]))]
    if operation == "DeleteObjects":
        return [Need("s3:DeleteObject", _object(entry["Key"])) for entry in parameters["Delete"]["Objects"]]
    if operation == "CopyObject":
        source = _copied(parameters["CopySource"])
        return [Need("s3:GetObject", _object(source)), Need("s3:PutObject", _object(parameters["Key"]))]
    if operation == "ListObjectsV2":
        context = (("s3:prefix", parameters["Prefix"]),) if "Prefix" in parameters else ()
        return [Need("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", context)]
    return None


def _sqs(operation: str, parameters: Parameters) -> Iterable[Need] | None:
    if operation == "GetQueueUrl":
        return [Need("sqs:GetQueueUrl", arn("sqs", parameters["QueueName"]))]
    if "QueueUrl" in parameters:
        return [
            Need(
                f"sqs:{operation.removesuffix('Batch')}",
                arn("sqs", parameters["QueueUrl"].rpartition("/")[2]),
            )
        ]
    return None


def _lambda(operation: str, parameters: Parameters) -> Iterable[Need] | None:
    if operation in ("Invoke", "InvokeWithResponseStream"):
        return [Need("lambda:InvokeFunction", arn("lambda", f"function:{parameters['FunctionName']}"))]
    return None


def _sagemaker(operation: str, parameters: Parameters) -> Iterable[Need] | None:
    if "TrainingJobName" not in parameters:
        return None
    job = arn("sagemaker", f"training-job/{parameters['TrainingJobName']}")
    needs = [Need(f"sagemaker:{operation}", job)]
    if operation == "CreateTrainingJob":
        passed = (("iam:PassedToService", "sagemaker.amazonaws.com"),)
        # The tests' role has another name; the template hands out the ARN of its own.
        needs.append(Need("iam:PassRole", f"arn:aws:iam::{_account()}:role/TrainingRole", passed))
        if parameters.get("Tags"):
            needs.append(Need("sagemaker:AddTags", job))
    return needs


def _account() -> str:
    return arn("", "").split(":")[4]


def _events(operation: str, parameters: Parameters) -> Iterable[Need] | None:
    if operation != "PutEvents":
        return None
    return [
        Need(
            "events:PutEvents",
            arn("events", f"event-bus/{entry.get('EventBusName', 'default')}"),
            (("events:source", entry["Source"]),),
        )
        for entry in parameters["Entries"]
    ]


def _ssm(operation: str, parameters: Parameters) -> Iterable[Need] | None:
    if operation != "GetParameter":
        return None
    return [Need("ssm:GetParameter", arn("ssm", f"parameter{parameters['Name']}"))]


_SERVICES: dict[str, Callable[[str, Parameters], Iterable[Need] | None]] = {
    "dynamodb": _dynamodb,
    "s3": _s3,
    "sqs": _sqs,
    "lambda": _lambda,
    "sagemaker": _sagemaker,
    "events": _events,
    "ssm": _ssm,
}
