"""Creates what the template declares: buckets, tables with their time-to-live, queues with their redrive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import KeySchemaElementTypeDef
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

from infra.local.events import ACCOUNT, REGION
from infra.resources import Queue, Resources, Table


def bring_up(wanted: Resources) -> None:
    """Create what is not there yet. The store itself obeys the buckets' notifications and expirations."""
    buckets, tables, queues = boto3.client("s3"), boto3.client("dynamodb"), boto3.client("sqs")
    for queue in wanted.queues:
        _create_queue(queues, queue)
    for bucket in wanted.buckets:
        buckets.create_bucket(Bucket=bucket.name)
    existing = set(tables.list_tables()["TableNames"])
    for table in wanted.tables:
        if table.name not in existing:
            _create_table(tables, table)
        if table.ttl_attribute:
            _set_time_to_live(tables, table.name, table.ttl_attribute)


def _create_queue(client: SQSClient, queue: Queue) -> None:
    attributes: dict[QueueAttributeNameType, str] = {
        "VisibilityTimeout": str(queue.visibility_timeout_s),
        "MessageRetentionPeriod": str(queue.retention_s),
    }
    if queue.dead_letter_queue:
        target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.dead_letter_queue}"
        redrive = {"deadLetterTargetArn": target, "maxReceiveCount": queue.max_receives}
        attributes["RedrivePolicy"] = json.dumps(redrive)
    client.create_queue(QueueName=queue.name, Attributes=attributes)


def _create_table(client: DynamoDBClient, table: Table) -> None:
    keys: list[KeySchemaElementTypeDef] = [{"AttributeName": table.hash_key, "KeyType": "HASH"}]
    if table.range_key:
        keys.append({"AttributeName": table.range_key, "KeyType": "RANGE"})
    client.create_table(
        TableName=table.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys],
        KeySchema=keys,
    )


def _set_time_to_live(client: DynamoDBClient, table: str, attribute: str) -> None:
    present = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if present.get("TimeToLiveStatus") != "ENABLED":
        client.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute}
        )
