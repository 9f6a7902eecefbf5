"""Creates the template's bucket, tables and queues in moto."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3

from chalicelib import settings
from chalicelib.storage import connection, objects
from infra.resources import Notification, Queue, Table, load

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import FilterRuleTypeDef, QueueConfigurationTypeDef


def create() -> None:
    """Create everything, and forget the clients that were made for an earlier test's bucket."""
    resources = load()
    arns: dict[str, str] = {}
    for queue in resources.queues:
        arns[queue.name] = _create_queue(queue, arns)
    (bucket,) = resources.buckets
    objects.client.cache_clear()
    connection.shared.cache_clear()
    name = settings.current().bucket
    objects.client().create_bucket(Bucket=name)
    objects.client().put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={
            "QueueConfigurations": [_notification(entry, arns) for entry in bucket.notifications]
        },
    )
    for table in resources.tables:
        _create_table(table)


def _create_queue(queue: Queue, arns: dict[str, str]) -> str:
    client = boto3.client("sqs")
    url = client.create_queue(
        QueueName=queue.name, Attributes={"VisibilityTimeout": str(queue.visibility_timeout_s)}
    )["QueueUrl"]
    if queue.dead_letter_queue is not None:
        redrive = {
            "deadLetterTargetArn": arns[queue.dead_letter_queue],
            "maxReceiveCount": queue.max_receives,
        }
        client.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(redrive)})
    return client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def _notification(notification: Notification, arns: dict[str, str]) -> QueueConfigurationTypeDef:
    rules: list[FilterRuleTypeDef] = []
    if notification.prefix:
        rules.append({"Name": "prefix", "Value": notification.prefix})
    if notification.suffix:
        rules.append({"Name": "suffix", "Value": notification.suffix})
    return {
        "QueueArn": arns[notification.queue],
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": rules}},
    }


def _create_table(table: Table) -> None:
    names = [table.hash_key] if table.range_key is None else [table.hash_key, table.range_key]
    boto3.client("dynamodb").create_table(
        TableName=table.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[
            {"AttributeName": name, "KeyType": "RANGE" if name == table.range_key else "HASH"}
            for name in names
        ],
    )
