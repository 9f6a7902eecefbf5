"""Grants that no test can use, each with the reason that it is there."""

from __future__ import annotations

from tests.permissions.policies import Grant, matches

_REASONS = (
    ("*", "logs:*", "*", "Lambda's runtime, SageMaker and ECS write logs themselves"),
    ("TrainingRole", "*", "*", "SageMaker fetches the image and the channels, and writes what comes out"),
    ("StartRole", "*", "*", "ECS starts the front door's container"),
    ("TaskRole", "secretsmanager:*", "*", "tests of the front door have its secret in the environment"),
    ("*", "s3:*", "*/bases/*", "whoever launches a training stores a staged base first"),
    ("*", "sqs:ReceiveMessage", "*", "Lambda's poller takes the messages"),
    ("*", "sqs:DeleteMessage", "*", "Lambda's poller removes what was handled"),
    ("*", "sqs:GetQueueAttributes", "*", "Lambda's poller looks at the queue"),
)
"""Patterns of role, action and resource, and the reason."""


def of(grant: Grant) -> str | None:
    """Return why a grant is there although no test uses it; None: there is no reason."""
    for role, action, resource, reason in _REASONS:
        if matches(role, grant.role) and matches(action, grant.action) and matches(resource, grant.resource):
            return reason
    return None
