"""The secret that the front door and the API share: signs, and verifies what was signed with it.

It lies in the environment, or in the Parameter Store of AWS, where it is read when it is first needed. After
a rotation what was signed with the secret before still holds.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib import settings

_KEPT_S = 300.0
_READ_AGAIN_AFTER_S = 10.0
"""A signature that does not hold may be one of a newer secret. Many wrong ones have it read no more often."""
TOKENS_LAST_S = 3600.0
"""Whoever rotates twice within it makes tokens useless that are still valid."""

_lock = threading.Lock()
_kept: dict[str, tuple[float, tuple[str, ...]]] = {}
"""By the parameter's name: when it was read, and its values, the current one first."""


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
    if settings.internal_secret_parameter() is None:
        return False
    return _any_holds(_values(_READ_AGAIN_AFTER_S), message, signature)


def make(name: str, client: Any = None, key: str | None = None) -> bool:
    """Put a secret into the Parameter Store if there is none under that name; tell whether there was none.

    Args:
        name: of the parameter.
        client: of that service; None: that of the environment's account.
        key: ARN of the KMS key to encrypt it with; None: the account's own for parameters.
    """
    try:
        _put(client or _client(), name, key=key, overwrite=False)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterAlreadyExists":
            raise
        return False
    return True


def rotate(name: str) -> None:
    """Put a new secret into the Parameter Store; what was signed with the one before still holds.

    Raises:
        RotatedLately: there are still tokens that were signed with the one before.
    """
    client = _client()
    held = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    current, *before = held["Value"].split()
    age_s = time.time() - held["LastModifiedDate"].timestamp()
    if before and age_s < TOKENS_LAST_S:
        raise RotatedLately(
            f"the secret was rotated {age_s / 60:.0f} minutes ago; wait until an hour is over"
        )
    filters = [{"Key": "Name", "Values": [name]}]
    (described,) = client.describe_parameters(ParameterFilters=filters)["Parameters"]
    _put(client, name, current, key=described.get("KeyId"), overwrite=True)


def _client() -> Any:
    return boto3.client("ssm")


def _put(client: Any, name: str, *before: str, key: str | None, overwrite: bool) -> None:
    value = " ".join([secrets.token_urlsafe(36), *before])
    client.put_parameter(
        Name=name,
        Value=value,
        Type="SecureString",
        Description="Signs access tokens and what the front door hands to the API.",
        Overwrite=overwrite,
        **({"KeyId": key} if key else {}),
    )


def _any_holds(values: tuple[str, ...], message: bytes, signature: bytes) -> bool:
    return any(hmac.compare_digest(_digest(value, message), signature) for value in values)


def _digest(secret: str, message: bytes) -> bytes:
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def _values(kept_s: float) -> tuple[str, ...]:
    name = settings.internal_secret_parameter()
    if name is None:
        return settings.internal_secrets()
    with _lock:
        read_s, values = _kept.get(name, (0.0, ()))
        if not values or time.monotonic() - read_s > kept_s:
            values = _read(name)
            _kept[name] = (time.monotonic(), values)
    return values


def _read(name: str) -> tuple[str, ...]:
    """Return the secret and, after a rotation, the one before: words of one value."""
    held = _client().get_parameter(Name=name, WithDecryption=True)["Parameter"]
    return tuple(held["Value"].split())
