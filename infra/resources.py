"""Reads buckets, tables and queues from the template, names resolved, for who creates them without AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parent / "template.json"


@dataclass(frozen=True)
class Notification:
    """Objects created in a bucket under a matching key are announced in a queue."""

    queue: str
    """Name of the queue."""
    event: str
    """S3's name of what is announced, for instance `s3:ObjectCreated:*`."""
    prefix: str
    suffix: str


@dataclass(frozen=True)
class Expiration:
    """Objects below a prefix are removed after a number of days."""

    prefix: str
    days: int


@dataclass(frozen=True)
class BucketResource:
    """An S3 bucket."""

    name: str
    notifications: tuple[Notification, ...]
    expirations: tuple[Expiration, ...]


@dataclass(frozen=True)
class TableResource:
    """A DynamoDB table, billed by request. All key attributes are strings."""

    name: str
    hash_key: str
    range_key: str | None
    ttl_attribute: str | None
    """Number attribute holding the epoch second after which a row may go; None: rows stay."""
    restorable: bool = False
    """It can be restored to any moment of the last 35 days."""


@dataclass(frozen=True)
class QueueResource:
    """An SQS queue."""

    name: str
    visibility_timeout_s: int
    retention_s: int
    dead_letter_queue: str | None
    """Name of the queue that takes what was received too often; None: this is such a queue itself."""
    max_receives: int | None


@dataclass(frozen=True)
class Resources:
    """What the service stands on. Dead-letter queues come before the queues that use them."""

    buckets: tuple[BucketResource, ...]
    tables: tuple[TableResource, ...]
    queues: tuple[QueueResource, ...]


class _Template:
    """Resolves the intrinsic functions that names are made with."""

    def __init__(self, document: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        defaults = {
            key: value["Default"] for key, value in document["Parameters"].items() if "Default" in value
        }
        pseudo = {"AWS::AccountId": "000000000000", "AWS::Region": "us-east-1", "AWS::Partition": "aws"}
        self._values: dict[str, str] = {**pseudo, **defaults, **parameters}
        self._resources: Mapping[str, Any] = document["Resources"]

    def of_type(self, kind: str) -> list[Mapping[str, Any]]:
        return [entry["Properties"] for entry in self._resources.values() if entry.get("Type") == kind]

    def text(self, value: Any) -> str:
        """Resolve a string, `Ref` of a parameter, or `Fn::Sub`."""
        match value:
            case str():
                return value
            case {"Ref": str(name)}:
                return self._values[name]
            case {"Fn::Sub": str(pattern)}:
                return re.sub(r"\$\{([^}]+)}", lambda found: self._values[found[1]], pattern)
        raise ValueError(f"not a name: {value!r}")

    def queue_name(self, arn: Any) -> str:
        """Return the name of the queue whose ARN is asked for with `Fn::GetAtt`."""
        match arn:
            case {"Fn::GetAtt": [str(logical_id), "Arn"]}:
                return self.text(self._resources[logical_id]["Properties"]["QueueName"])
        raise ValueError(f"not the ARN of a queue of this template: {arn!r}")


def _bucket(template: _Template, properties: Mapping[str, Any]) -> BucketResource:
    notifications = []
    for entry in properties.get("NotificationConfiguration", {}).get("QueueConfigurations", ()):
        rules = {rule["Name"]: rule["Value"] for rule in entry["Filter"]["S3Key"]["Rules"]}
        notifications.append(
            Notification(
                queue=template.queue_name(entry["Queue"]),
                event=entry["Event"],
                prefix=rules.get("prefix", ""),
                suffix=rules.get("suffix", ""),
            )
        )
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", ())
    return BucketResource(
        name=template.text(properties["BucketName"]),
        notifications=tuple(notifications),
        expirations=tuple(
            Expiration(rule["Prefix"], rule["ExpirationInDays"])
            for rule in rules
            if "ExpirationInDays" in rule
        ),
    )


def _table(template: _Template, properties: Mapping[str, Any]) -> TableResource:
    keys = {entry["KeyType"]: entry["AttributeName"] for entry in properties["KeySchema"]}
    return TableResource(
        name=template.text(properties["TableName"]),
        hash_key=keys["HASH"],
        range_key=keys.get("RANGE"),
        ttl_attribute=properties.get("TimeToLiveSpecification", {}).get("AttributeName"),
        restorable=properties.get("PointInTimeRecoverySpecification", {}).get(
            "PointInTimeRecoveryEnabled", False
        ),
    )


def _queue(template: _Template, properties: Mapping[str, Any]) -> QueueResource:
    redrive = properties.get("RedrivePolicy")
    return QueueResource(
        name=template.text(properties["QueueName"]),
        visibility_timeout_s=properties.get("VisibilityTimeout", 30),
        retention_s=properties["MessageRetentionPeriod"],
        dead_letter_queue=template.queue_name(redrive["deadLetterTargetArn"]) if redrive else None,
        max_receives=redrive["maxReceiveCount"] if redrive else None,
    )


def load(path: Path = TEMPLATE, parameters: Mapping[str, str] | None = None) -> Resources:
    """Read what has to exist before the service can start.

    Args:
        path: the template.
        parameters: values of template parameters and of `AWS::AccountId` and `AWS::Region`; what is not given
            takes its default (`000000000000`, `us-east-1`).

    Raises:
        KeyError: a name needs a parameter that has neither a value nor a default.
        ValueError: a name is written in a way that is not understood here.
    """
    template = _Template(json.loads(path.read_text()), parameters or {})
    queues = [_queue(template, properties) for properties in template.of_type("AWS::SQS::Queue")]
    return Resources(
        buckets=tuple(_bucket(template, properties) for properties in template.of_type("AWS::S3::Bucket")),
        tables=tuple(_table(template, properties) for properties in template.of_type("AWS::DynamoDB::Table")),
        queues=tuple(sorted(queues, key=lambda queue: queue.dead_letter_queue is not None)),
    )
