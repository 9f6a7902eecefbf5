"""Creates the template's bucket, tables and queues in moto."""

from __future__ import annotations

import functools
import json
import os
from typing import TYPE_CHECKING

import boto3

from chalicelib import settings
from chalicelib.storage import connection, objects
from infra.resources import Notification, QueueResource, TableResource, load

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3.type_defs import FilterRuleTypeDef, QueueConfigurationTypeDef
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType


def create() -> None:
    """Create everything, and forget the clients that were made for an earlier test's bucket."""
    resources = load()
    arns: dict[str, str] = {}
    sqs, dynamodb = _clients(os.environ.get("AWS_ENDPOINT_URL"))
    for queue in resources.queues:
        arns[queue.name] = _create_queue(sqs, queue, arns)
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
        _create_table(dynamodb, table)


@functools.cache
def _clients(endpoint: str | None) -> tuple[SQSClient, DynamoDBClient]:
    """Return clients for all the accounts of this process: making one takes longer than what it is asked for."""
    return boto3.client("sqs", endpoint_url=endpoint), boto3.client("dynamodb", endpoint_url=endpoint)


def _create_queue(client: SQSClient, queue: QueueResource, arns: dict[str, str]) -> str:
    attributes: dict[QueueAttributeNameType, str] = {"VisibilityTimeout": str(queue.visibility_timeout_s)}
    if queue.dead_letter_queue is not None:
        redrive = {
            "deadLetterTargetArn": arns[queue.dead_letter_queue],
            "maxReceiveCount": queue.max_receives,
        }
        attributes["RedrivePolicy"] = json.dumps(redrive)
    url = client.create_queue(QueueName=queue.name, Attributes=attributes)["QueueUrl"]
    account = url.split("/")[-2]
    return f"arn:aws:sqs:{client.meta.region_name}:{account}:{queue.name}"


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


def _create_table(client: DynamoDBClient, table: TableResource) -> None:
    names = [table.hash_key] if table.range_key is None else [table.hash_key, table.range_key]
    client.create_table(
        TableName=table.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[
            {"AttributeName": name, "KeyType": "RANGE" if name == table.range_key else "HASH"}
            for name in names
        ],
    )
