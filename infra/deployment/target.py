"""Where the service is deployed: an account, a region, a name."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

_STAGE = re.compile(r"[a-z][a-z0-9]{0,9}")
_UNUSABLE = {
    "InvalidClientTokenId": "AWS does not know these credentials. Check AWS_ACCESS_KEY_ID, or log in again.",
    "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID.",
    "ExpiredToken": "The AWS credentials have expired. Log in again.",
    "ExpiredTokenException": "The AWS credentials have expired. Log in again.",
}


class DeploymentRefused(Exception):
    """Nothing was done, or no more than is said; the text says what an operator can do."""


@dataclass(frozen=True)
class DeploymentTarget:
    """One installation."""

    stage: str
    account: str
    region: str
    session: boto3.Session
    _clients: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """By service: making one takes a fifth of a second."""

    @property
    def name(self) -> str:
        """Name of the stack, and first part of the names of all that is in it."""
        return f"attune-{self.stage}"

    @property
    def artefacts_bucket(self) -> str:
        """Bucket for what is deployed: code, layer, templates."""
        return f"{self.name}-deployments-{self.account}-{self.region}"

    @property
    def data_bucket(self) -> str:
        """The service's own bucket."""
        return f"{self.name}-{self.account}-{self.region}"

    @property
    def secret_name(self) -> str:
        """The internal secret's name in the Parameter Store."""
        return f"/{self.name}/internal-secret"

    def client(self, service: str) -> Any:
        """Return a client of a service of AWS in this account and region."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service)  # type: ignore[call-overload]
        return self._clients[service]


def find(stage: str) -> DeploymentTarget:
    """Return the installation of that name in the account and region of the environment.

    Raises:
        DeploymentRefused: there are no credentials, no region, or the name cannot be one.
    """
    if not _STAGE.fullmatch(stage):
        raise DeploymentRefused(
            f"STAGE must be at most ten small letters and digits, the first a letter, not {stage!r}."
        )
    # boto3 reads AWS_DEFAULT_REGION alone; the AWS CLI reads this one first.
    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    if not session.region_name:
        raise DeploymentRefused("No AWS region was chosen. Set one, for instance AWS_REGION=eu-central-1.")
    if session.region_name not in session.get_available_regions("lambda"):
        raise DeploymentRefused(
            f"There is no AWS region {session.region_name!r}. Set AWS_REGION to one that is there."
        )
    try:
        account = session.client("sts").get_caller_identity()["Account"]
    except NoCredentialsError:
        raise DeploymentRefused(
            "No AWS credentials were found. Log in with `aws sso login` or `aws configure`, or set "
            "AWS_PROFILE."
        ) from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise DeploymentRefused(_UNUSABLE.get(code, f"AWS refuses these credentials: {error}")) from error
    except (NoRegionError, BotoCoreError) as error:
        raise DeploymentRefused(f"AWS cannot be reached: {error}") from error
    return DeploymentTarget(stage, account, session.region_name, session)
