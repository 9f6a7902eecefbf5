"""Grants that no test can use, each with the reason that it is there."""

from __future__ import annotations

from tests.permissions.policies import Grant, matches

_REASONS = (
    ("*", "logs:*", "*", "Lambda's runtime, SageMaker and ECS write logs themselves"),
    ("TrainingRole", "*", "*", "SageMaker fetches the image and the channels, and writes what comes out"),
    ("StartRole", "*", "*", "ECS starts the front door's container"),
    ("*", "s3:ListBucket", "*", "S3 answers 404, not 403, to those who may list where nothing lies"),
    ("*", "dynamodb:GetItem", "*/attune-language-models", "a training may have a helper language model"),
    ("*DueRole", "s3:GetObject", "*/models/*", "the helper's artefact is copied for the training"),
    ("AudioUploadedRole", "s3:GetObject", "*/models/*", "the same, of a model that trains by itself"),
    ("*", "dynamodb:*", "*/attune-training-ends", "a training that cannot be launched ends there"),
    ("*", "sqs:*", "*:attune-callback-due", "and somebody is to be told of it"),
    (
        "AudioUploadedRole",
        "sqs:*",
        "*:attune-training-due",
        "while more audio may come, it is looked at later",
    ),
    ("RecognitionQueuedRole", "s3:*", "*/spool/*", "recognition leaves answers there that are too large"),
    ("EvaluationDueRole", "s3:*", "*/spool/*", "the same"),
    ("CallbackDueRole", "sqs:*", "*-dead", "what nobody has accepted for a day is kept there"),
    ("CallbackDueRole", "s3:GetObject", "*/jobs/*", "who asks for it is told the results of a job"),
    ("TaskRole", "lambda:*", "*", "tests of the gateway call a backend of their own"),
    ("TaskRole", "s3:GetObject", "*/models/*", "processes that decode fetch custom models"),
    ("TaskRole", "ssm:*", "*", "tests of the front door have its secret in the environment"),
    ("*", "s3:*", "*/bases/*", "whoever launches a training stores a staged base first"),
    ("*", "dynamodb:UpdateItem", "*/attune-meter", "what ends a piece of work counts it, in one transaction"),
    (
        "RecognitionQueuedRole",
        "dynamodb:UpdateItem",
        "*/attune-usage",
        "pieces are decoded in the deployed stack's test alone",
    ),
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
