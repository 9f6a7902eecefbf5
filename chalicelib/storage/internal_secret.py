"""The secret that the front door and the API share: signs, and verifies what was signed with it.

It lies in the environment, or in Secrets Manager, where it is read when it is first needed. After a rotation
what was signed with the secret before still holds.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time

import boto3
from botocore.exceptions import ClientError

from chalicelib import settings

_KEPT_S = 300.0
_READ_AGAIN_AFTER_S = 10.0
"""A signature that does not hold may be one of a newer secret. Many wrong ones have it read no more often."""
TOKENS_LAST_S = 3600.0
"""Whoever rotates twice within it makes tokens useless that are still valid."""
_STAGES = ("AWSCURRENT", "AWSPREVIOUS")

_lock = threading.Lock()
_kept: dict[str, tuple[float, tuple[str, ...]]] = {}
"""By the secret's ARN: when it was read, and its values, the current one first."""


class RotatedLately(Exception):
    """Rotating again now would make valid tokens useless; the text is for the operator."""


def sign(message: bytes) -> bytes:
    """Return the HMAC-SHA256 of a message under the current secret.

    Raises:
        settings.SettingsError: the environment names no secret.
    """
    return _digest(_values(_KEPT_S)[0], message)


def holds(message: bytes, signature: bytes) -> bool:
    """Tell whether a signature was made of a message with the current secret or with the one before."""
    if _any_holds(_values(_KEPT_S), message, signature):
        return True
    if settings.internal_secret_arn() is None:
        return False
    return _any_holds(_values(_READ_AGAIN_AFTER_S), message, signature)


def rotate(arn: str) -> None:
    """Put a new secret into Secrets Manager; what was signed with the one before still holds.

    Raises:
        RotatedLately: there are still tokens that were signed with the one before.
    """
    client = boto3.client("secretsmanager")
    described = client.describe_secret(SecretId=arn)
    stages = {stage for held in described["VersionIdsToStages"].values() for stage in held}
    age_s = time.time() - described["LastChangedDate"].timestamp()
    if "AWSPREVIOUS" in stages and age_s < TOKENS_LAST_S:
        raise RotatedLately(
            f"the secret was rotated {age_s / 60:.0f} minutes ago; wait until an hour is over"
        )
    client.put_secret_value(SecretId=arn, SecretString=secrets.token_urlsafe(36))


def _any_holds(values: tuple[str, ...], message: bytes, signature: bytes) -> bool:
    return any(hmac.compare_digest(_digest(value, message), signature) for value in values)


def _digest(secret: str, message: bytes) -> bytes:
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def _values(kept_s: float) -> tuple[str, ...]:
    arn = settings.internal_secret_arn()
    if arn is None:
        return settings.internal_secrets()
    with _lock:
        read_s, values = _kept.get(arn, (0.0, ()))
        if not values or time.monotonic() - read_s > kept_s:
            values = _read(arn)
            _kept[arn] = (time.monotonic(), values)
    return values


def _read(arn: str) -> tuple[str, ...]:
    client = boto3.client("secretsmanager")
    values = []
    for stage in _STAGES:
        try:
            values.append(client.get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"])
        except ClientError as error:
            # One that was never rotated has no value before.
            if not values or error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
    return tuple(values)
