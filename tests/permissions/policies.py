"""What the templates' roles grant, names resolved, and whether a call is among it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = (ROOT / "infra/template.json", ROOT / "infra/front_door.json")
ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "service-bucket"
"""Stands for the service's bucket, however a test calls it."""
_PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws"}
_ROLE_NAMES = {"APIHandler": "APIRole"}


@dataclass(frozen=True, order=True)
class Need:
    """One thing that a call must be allowed to do."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()
    """Condition keys that the request has, with their values."""


@dataclass(frozen=True, order=True)
class Grant:
    """One action on one kind of resource that a role allows."""

    role: str
    action: str
    resource: str
    """A pattern, as in IAM."""
    conditions: str = "{}"
    """JSON."""

    def allows(self, need: Need) -> bool:
        """Tell whether this grant is enough for a need."""
        return (
            self.action.lower() == need.action.lower()
            and matches(self.resource, need.resource)
            and all(
                _holds(operator, wanted, dict(need.context))
                for operator, wanted in json.loads(self.conditions).items()
            )
        )


def matches(pattern: str, text: str) -> bool:
    """Compare as IAM does: `*` stands for anything, `?` for one character."""
    translated = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(translated, text, re.DOTALL) is not None


def _holds(operator: str, wanted: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    plain = operator.removesuffix("IfExists")
    if plain not in ("StringLike", "StringEquals"):
        raise ValueError(f"the condition operator {operator} is not understood here")
    for key, patterns in wanted.items():
        if key not in context:
            if plain == operator:
                return False
            continue
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            if matches(pattern, context[key]) if plain == "StringLike" else pattern == context[key]:
                break
        else:
            return False
    return True


class _Names:
    """Resolves what ARNs are made of."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._resources: Mapping[str, Any] = document["Resources"]
        self._parameters = {
            name: str(parameter.get("Default", name)) for name, parameter in document["Parameters"].items()
        }

    def text(self, value: Any) -> str:
        match value:
            case str():
                return value
            case {"Ref": str(name)}:
                return self._value(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._value(f"{name}.{attribute}")
            case {"Fn::Sub": str(pattern)}:
                return re.sub(r"\$\{([^}]+)}", lambda found: self._value(found[1]), pattern)
            case {"Fn::ImportValue": inner}:
                return f"arn:aws:imported:{REGION}:{ACCOUNT}:{self.text(inner)}"
        raise ValueError(f"not understood here: {value!r}")

    def _value(self, name: str) -> str:
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self._parameters:
            return self._parameters[name]
        resource, _, attribute = name.partition(".")
        properties = self._resources[resource].get("Properties", {})
        kind = self._resources[resource].get("Type", "AWS::Serverless::Function")
        if not attribute:
            return BUCKET if kind == "AWS::S3::Bucket" else self.text({"Fn::GetAtt": [resource, "Arn"]})
        match kind:
            case "AWS::S3::Bucket":
                return f"arn:aws:s3:::{BUCKET}"
            case "AWS::DynamoDB::Table":
                return arn("dynamodb", f"table/{self.text(properties['TableName'])}")
            case "AWS::SQS::Queue":
                return arn("sqs", self.text(properties["QueueName"]))
            case "AWS::Serverless::Function":
                return arn("lambda", f"function:{self.text(properties['FunctionName'])}")
            case "AWS::Logs::LogGroup":
                return arn("logs", f"log-group:{self.text(properties['LogGroupName'])}:*")
            case "AWS::IAM::Role":
                return f"arn:aws:iam::{ACCOUNT}:role/{resource}"
        return arn("other", resource)


def arn(service: str, resource: str) -> str:
    """Return the ARN of a resource of the account."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(path: Path) -> Iterator[frozenset[Grant]]:
    document = json.loads(path.read_text())
    names = _Names(document)
    # The front door's bucket is named, not referred to.
    own_bucket = f"attune-{ACCOUNT}-{REGION}"
    for role, resource in document["Resources"].items():
        if resource.get("Type") != "AWS::IAM::Role":
            continue
        for policy in resource["Properties"].get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] != "Allow":
                    raise ValueError(f"{role} denies; that is not understood here")
                conditions = json.dumps(statement.get("Condition", {}), sort_keys=True)
                patterns = [
                    names.text(named).replace(f"arn:aws:s3:::{own_bucket}", f"arn:aws:s3:::{BUCKET}")
                    for named in _listed(statement["Resource"])
                ]
                yield frozenset(
                    Grant(role, action, pattern, conditions)
                    for action in _listed(statement["Action"])
                    for pattern in patterns
                )


@functools.cache
def statements() -> tuple[frozenset[Grant], ...]:
    """Return the statements of all roles of the templates, each as what it allows."""
    return tuple(statement for path in TEMPLATES for statement in _statements(path))


@functools.cache
def grants() -> frozenset[Grant]:
    """Return everything that roles of the templates allow."""
    return frozenset().union(*statements())


@functools.cache
def grants_of(role: str) -> tuple[Grant, ...]:
    """Return what one role allows."""
    return tuple(sorted(grant for grant in grants() if grant.role == role))


def role_of(function: str) -> str:
    """Return the role of a function by its logical name."""
    return _ROLE_NAMES.get(function, f"{function}Role")
