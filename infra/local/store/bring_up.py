"""Creates what the template declares: buckets, tables with their time-to-live, queues with their redrive."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from infra.local.events import ACCOUNT, REGION
from infra.resources import QueueResource, Resources, TableResource

Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Has an action of a service's API done; an answer that is not 200 is raised."""


async def bring_up(
    wanted: Resources, *, create_bucket: Callable[[str], Awaitable[None]], tables: Ask, queues: Ask
) -> None:
    """Create what is not there yet. The store itself obeys the buckets' notifications and expirations."""
    for queue in wanted.queues:
        await _create_queue(queues, queue)
    for bucket in wanted.buckets:
        await create_bucket(bucket.name)
    existing = set((await tables("ListTables", {}))["TableNames"])
    for table in wanted.tables:
        if table.name not in existing:
            await _create_table(tables, table)
        if table.ttl_attribute:
            await _set_time_to_live(tables, table.name, table.ttl_attribute)


async def _create_queue(ask: Ask, queue: QueueResource) -> None:
    attributes = {
        "VisibilityTimeout": str(queue.visibility_timeout_s),
        "MessageRetentionPeriod": str(queue.retention_s),
    }
    if queue.dead_letter_queue:
        target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.dead_letter_queue}"
        redrive = {"deadLetterTargetArn": target, "maxReceiveCount": queue.max_receives}
        attributes["RedrivePolicy"] = json.dumps(redrive)
    await ask("CreateQueue", {"QueueName": queue.name, "Attributes": attributes})


async def _create_table(ask: Ask, table: TableResource) -> None:
    keys = [{"AttributeName": table.hash_key, "KeyType": "HASH"}]
    if table.range_key:
        keys.append({"AttributeName": table.range_key, "KeyType": "RANGE"})
    definition = {
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys
        ],
        "KeySchema": keys,
    }
    await ask("CreateTable", definition)


async def _set_time_to_live(ask: Ask, table: str, attribute: str) -> None:
    present = (await ask("DescribeTimeToLive", {"TableName": table}))["TimeToLiveDescription"]
    if present.get("TimeToLiveStatus") != "ENABLED":
        specification = {"Enabled": True, "AttributeName": attribute}
        await ask("UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": specification})
