"""Training jobs as SageMaker keeps them: create, look up, stop. The only place that talks to it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import settings
from chalicelib.storage.layout import RunKey
from chalicelib.training.cost import Cost, price_of

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import CreateTrainingJobRequestTypeDef

# Anything else (a quota reached, throttling, an outage) may pass.
_REJECTIONS = frozenset(
    {"ValidationException", "AccessDeniedException", "ResourceNotFound", "UnknownOperationException"}
)
# ResourceNotFound is what is documented; a ValidationException "Requested resource not found." is what comes.
_MISSING = re.compile(r"not found|could not find", re.IGNORECASE)
_NAME = re.compile(r"(?P<instance>.+)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{6,}")
_ZERO_QUOTA = re.compile(r"service limit '(?P<name>[^']{1,100})' is 0 ")
_S3_URI = re.compile(r"s3://[^/]+/(?P<key>.+)")


class JobRejected(Exception):
    """The training platform will never take this job; the text is for the operator."""


class PlatformUnavailable(Exception):
    """The training platform cannot be reached, or has no capacity at this moment."""


class QuotaIsZero(PlatformUnavailable):
    """The account may use no such machine at all, as is usual for new ones; its owner has to ask for some.

    Attributes:
        quota: its name, such as `ml.g5.xlarge for spot training job usage`.
    """

    def __init__(self, quota: str) -> None:
        super().__init__(f"the quota '{quota}' is 0")
        self.quota = quota


class TrainingJobStatus(StrEnum):
    """Where a job stands."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DELETING = "Deleting"

    @property
    def over(self) -> bool:
        """Nothing of the job will change any more."""
        return self in {TrainingJobStatus.COMPLETED, TrainingJobStatus.FAILED, TrainingJobStatus.STOPPED}


@dataclass(frozen=True)
class LaunchedJob:
    """A training job of this service."""

    name: str
    run: RunKey
    status: TrainingJobStatus
    secondary_status: str
    failure_reason: str
    """As the platform words it; empty unless failed."""
    artifact_key: str | None
    """Key of `model.tar.gz`, once there is one."""
    cost: Cost | None = None
    """Once the platform says how long it bills."""


@functools.cache
def client() -> SageMakerClient:
    """Return this process's SageMaker client."""
    config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})
    return boto3.client("sagemaker", config=config)


def name_of(run: RunKey) -> str:
    """Return the one name that the job of a run can have."""
    return f"{settings.service_instance()}-{run.customization_id}-{run.run:06d}"


def is_name_of_a_run(name: str) -> bool:
    """Tell whether `name_of` makes such names here; other installations may train in the account, too."""
    found = _NAME.fullmatch(name)
    return found is not None and found["instance"] == settings.service_instance()


def create(request: CreateTrainingJobRequestTypeDef) -> None:
    """Create a training job; one of that name that is there already is taken for it.

    Raises:
        JobRejected: the request is wrong, or this service may not make it.
        QuotaIsZero: waiting does not help, but a higher quota does.
        PlatformUnavailable: try again later.
    """
    try:
        client().create_training_job(**request)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ResourceInUse":
            return
        if code in _REJECTIONS:
            raise JobRejected(str(error)) from error
        quota = _ZERO_QUOTA.search(str(error)) if code == "ResourceLimitExceeded" else None
        if quota is not None:
            raise QuotaIsZero(quota["name"]) from error
        raise PlatformUnavailable(str(error)) from error
    except BotoCoreError as error:
        raise PlatformUnavailable(str(error)) from error


def describe(name: str) -> LaunchedJob | None:
    """Return a job, or None when there is no such job or it was not made by this service.

    Raises:
        PlatformUnavailable: try again later.
    """
    try:
        # Fields may be missing, whatever the stubs say: ModelArtifacts until there are some.
        answer: dict[str, Any] = dict(client().describe_training_job(TrainingJobName=name))
    except (ClientError, BotoCoreError) as error:
        if _is_missing(error):
            return None
        raise PlatformUnavailable(str(error)) from error
    run = _run_of(answer)
    if run is None or name_of(run) != name:
        return None
    return LaunchedJob(
        name=name,
        run=run,
        status=TrainingJobStatus(answer["TrainingJobStatus"]),
        secondary_status=answer.get("SecondaryStatus", ""),
        failure_reason=answer.get("FailureReason", ""),
        artifact_key=_key(answer.get("ModelArtifacts", {}).get("S3ModelArtifacts", "")),
        cost=_cost(answer),
    )


def stop(name: str) -> bool:
    """Ask a job to stop; False when there is no such job. One that is over already is no error.

    Raises:
        PlatformUnavailable: try again later.
    """
    try:
        client().stop_training_job(TrainingJobName=name)
    except (ClientError, BotoCoreError) as error:
        if _is_missing(error):
            return False
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "ValidationException":
            return True  # "… the training job is in status Completed": its event is on the way
        raise PlatformUnavailable(str(error)) from error
    return True


def _is_missing(error: ClientError | BotoCoreError) -> bool:
    if not isinstance(error, ClientError):
        return False
    detail = error.response["Error"]
    return detail["Code"] in {"ResourceNotFound", "ResourceNotFoundException"} or (
        detail["Code"] == "ValidationException" and _MISSING.search(detail.get("Message", "")) is not None
    )


def _cost(description: dict[str, Any]) -> Cost | None:
    billable_s, resources = description.get("BillableTimeInSeconds"), description.get("ResourceConfig", {})
    if billable_s is None or "InstanceType" not in resources:
        return None
    instance_type = str(resources["InstanceType"])
    return Cost(
        instance_type, int(resources.get("InstanceCount", 1)), int(billable_s), price_of(instance_type)
    )


def _run_of(description: dict[str, Any]) -> RunKey | None:
    key = _key(description.get("OutputDataConfig", {}).get("S3OutputPath", ""))
    try:
        return RunKey.parse(key or "")
    except ValueError:
        return None


def _key(uri: str) -> str | None:
    found = _S3_URI.fullmatch(uri)
    return found["key"] if found else None
