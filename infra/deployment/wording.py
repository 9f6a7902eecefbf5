"""Says in plain words what a change set would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

_KINDS = {
    "AWS::Lambda::Function": ("function", "functions"),
    "AWS::Lambda::EventSourceMapping": ("queue reader", "queue readers"),
    "AWS::Lambda::Permission": ("permission to call a function", "permissions to call functions"),
    "AWS::DynamoDB::Table": ("table", "tables"),
    "AWS::S3::Bucket": ("bucket", "buckets"),
    "AWS::S3::BucketPolicy": ("bucket policy", "bucket policies"),
    "AWS::SQS::Queue": ("queue", "queues"),
    "AWS::SQS::QueuePolicy": ("queue policy", "queue policies"),
    "AWS::IAM::Role": ("role", "roles"),
    "AWS::CloudWatch::Alarm": ("alarm", "alarms"),
    "AWS::CloudWatch::Dashboard": ("dashboard", "dashboards"),
    "AWS::Logs::LogGroup": ("log", "logs"),
    "AWS::Events::Rule": ("rule", "rules"),
    "AWS::SNS::Topic": ("topic", "topics"),
    "AWS::ApiGateway::DomainName": ("domain of the API", "domains of the API"),
    "AWS::ApiGateway::BasePathMapping": ("mapping of a domain", "mappings of domains"),
    "AWS::IAM::ManagedPolicy": ("policy", "policies"),
    "AWS::ApiGateway::RestApi": ("API", "APIs"),
    "AWS::ApiGateway::Stage": ("API stage", "API stages"),
    "AWS::ApiGateway::Deployment": ("API deployment", "API deployments"),
    "AWS::ApiGateway::Account": ("API log setting of the account", "API log settings of the account"),
}
_VERBS = {"Add": "makes", "Modify": "changes", "Remove": "removes", "Import": "takes up what is there:"}
_DATA = {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
_NAMED_UP_TO = 4


def sentences(changes: Iterable[dict[str, Any]]) -> list[str]:
    """Return one line for each kind of change, those that touch data first and by name."""
    resources = [change["ResourceChange"] for change in changes if change.get("Type") == "Resource"]
    if not resources:
        return ["It changes nothing."]
    return [*_warnings(resources), *_lines(resources)]


def _warnings(resources: list[dict[str, Any]]) -> Iterator[str]:
    for change in resources:
        kind = change["ResourceType"]
        if kind not in _DATA:
            continue
        name = change.get("PhysicalResourceId") or change["LogicalResourceId"]
        if change["Action"] == "Remove":
            yield f"CAREFUL: the {_KINDS[kind][0]} {name} leaves the stack."
        elif change.get("Replacement") in ("True", "Conditional"):
            yield f"CAREFUL: the {_KINDS[kind][0]} {name} may be replaced by an empty one."


def _lines(resources: list[dict[str, Any]]) -> Iterator[str]:
    for action, verb in _VERBS.items():
        chosen = [change for change in resources if change["Action"] == action]
        if not chosen:
            continue
        counted = Counter(change["ResourceType"] for change in chosen)
        parts = [_counted(kind, number) for kind, number in sorted(counted.items(), key=lambda one: -one[1])]
        names = sorted(change["LogicalResourceId"] for change in chosen)
        named = f" ({', '.join(names)})" if len(names) <= _NAMED_UP_TO else ""
        yield f"It {verb} {_enumerated(parts)}{named}."


def _counted(kind: str, number: int) -> str:
    one, many = _KINDS.get(kind, (kind, f"of {kind}"))
    return f"{number} {one if number == 1 else many}"


def _enumerated(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
